/* isalnum: a letter or digit, in the C locale. */

#include <ctype.h>

int (isalnum)(int c) /* in brackets: a header may have a macro of that name */
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
