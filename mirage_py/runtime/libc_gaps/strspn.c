/* strspn: how many characters at the start of a text are of a set. */

#include <stddef.h>
#include <string.h>

size_t strspn(const char *text, const char *set)
{
    size_t length = 0;

    while (text[length] != 0 && memchr(set, text[length], strlen(set)) != NULL)
        length++;
    return length;
}
