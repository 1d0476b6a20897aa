/* strtoul: as strtoull, within an unsigned long, which is as long on every machine that there are targets for. */

#include <stdlib.h>

_Static_assert(sizeof(unsigned long) == sizeof(unsigned long long), "an unsigned long would need its own bounds");

unsigned long strtoul(const char *text, char **end, int base)
{
    return strtoull(text, end, base);
}
