/* ispunct: what is seen and no letter or digit, in the C locale. */

#include <ctype.h>

int (ispunct)(int c) /* in brackets: a header may have a macro of that name */
{
    return c > ' ' && c < 127 && !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
}
