/* strtoll: as strtol, which has the same range here. */

#include <stdlib.h>

_Static_assert(sizeof(long) == sizeof(long long), "long and long long are one");

long long strtoll(const char *text, char **end, int base)
{
    return strtol(text, end, base);
}
