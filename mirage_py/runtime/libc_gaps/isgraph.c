/* isgraph: what is seen when it is printed, in the C locale. */

#include <ctype.h>

int (isgraph)(int c) /* in brackets: a header may have a macro of that name */
{
    return c > ' ' && c < 127;
}
