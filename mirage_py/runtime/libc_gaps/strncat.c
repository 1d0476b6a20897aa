/* strncat: at most so many characters of a text behind another one. */

#include <stddef.h>
#include <string.h>

char *strncat(char *to, const char *text, size_t most)
{
    char *end = to + strlen(to);

    while (most-- > 0 && *text != 0)
        *end++ = *text++;
    *end = 0;
    return to;
}
