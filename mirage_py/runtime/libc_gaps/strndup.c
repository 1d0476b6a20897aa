/* strndup: a copy of at most so many characters of a text, in memory of its own. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

char *strndup(const char *text, size_t most)
{
    size_t length = 0;
    char *copy;

    while (length < most && text[length] != 0)
        length++;
    copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    copy[length] = 0;
    return memcpy(copy, text, length);
}
