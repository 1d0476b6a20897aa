/* sprintf: vsnprintf, without an end. */

#include <stdarg.h>
#include <limits.h>
#include <stdio.h>

int sprintf(char *to, const char *format, ...)
{
    va_list values;
    int length;

    va_start(values, format);
    length = vsnprintf(to, INT_MAX, format, values);
    va_end(values);
    return length;
}
