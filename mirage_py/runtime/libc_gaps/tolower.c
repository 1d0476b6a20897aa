/* tolower: the small letter of a capital, in the C locale. */

#include <ctype.h>

int (tolower)(int c) /* in brackets: a header may have a macro of that name */
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}
