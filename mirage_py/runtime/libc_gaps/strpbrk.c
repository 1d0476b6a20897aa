/* strpbrk: the first character of a text that is of a set. */

#include <stddef.h>
#include <string.h>

char *strpbrk(const char *text, const char *set)
{
    for (; *text != 0; text++)
        if (memchr(set, *text, strlen(set)) != NULL)
            return (char *)text;
    return NULL;
}
