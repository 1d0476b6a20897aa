/* atol: the decimal number that a text begins with. */

#include <stddef.h>
#include <stdlib.h>

long atol(const char *text)
{
    return (long)strtol(text, NULL, 10);
}
