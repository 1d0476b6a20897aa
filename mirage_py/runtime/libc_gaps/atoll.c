/* atoll: the decimal number that a text begins with. */

#include <stddef.h>
#include <stdlib.h>

long long atoll(const char *text)
{
    return (long long)strtol(text, NULL, 10);
}
