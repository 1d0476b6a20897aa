/* strcpy: a text with its end. */

#include <string.h>

char *strcpy(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}
