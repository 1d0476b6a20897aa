/* toupper: the capital of a letter, in the C locale. */

#include <ctype.h>

int (toupper)(int c) /* in brackets: a header may have a macro of that name */
{
    return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}
