/* strcspn: how many characters at the start of a text are not of a set. */

#include <stddef.h>
#include <string.h>

size_t strcspn(const char *text, const char *set)
{
    size_t length = 0;

    while (text[length] != 0 && memchr(set, text[length], strlen(set)) == NULL)
        length++;
    return length;
}
