/* isxdigit: a digit of a hexadecimal number. */

#include <ctype.h>

int (isxdigit)(int c) /* in brackets: a header may have a macro of that name */
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}
