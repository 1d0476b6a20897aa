/* islower: a small letter, in the C locale. */

#include <ctype.h>

int (islower)(int c) /* in brackets: a header may have a macro of that name */
{
    return c >= 'a' && c <= 'z';
}
