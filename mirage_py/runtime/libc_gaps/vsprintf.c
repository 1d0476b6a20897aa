/* vsprintf: vsnprintf, without an end. */

#include <stdarg.h>
#include <limits.h>
#include <stdio.h>

int vsprintf(char *to, const char *format, va_list values)
{
    return vsnprintf(to, INT_MAX, format, values);
}
