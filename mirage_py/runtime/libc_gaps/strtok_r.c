/* strtok_r: the words of a text, one a call; the place to go on from is kept by the caller. */

#include <stddef.h>
#include <string.h>

char *strtok_r(char *text, const char *separators, char **rest)
{
    size_t set = strlen(separators);
    char *word = text != NULL ? text : *rest;

    while (*word != 0 && memchr(separators, *word, set) != NULL)
        word++;
    *rest = word;
    if (*word == 0)
        return NULL;
    while (**rest != 0 && memchr(separators, **rest, set) == NULL)
        ++*rest;
    if (**rest != 0)
        *(*rest)++ = 0;
    return word;
}
