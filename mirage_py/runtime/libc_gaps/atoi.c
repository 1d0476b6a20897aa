/* atoi: the decimal number that a text begins with. */

#include <stddef.h>
#include <stdlib.h>

int atoi(const char *text)
{
    return (int)strtol(text, NULL, 10);
}
