/* strrchr: the last place of a character in a text, whose end counts too. */

#include <stddef.h>
#include <string.h>

char *strrchr(const char *text, int wanted)
{
    const char *found = NULL;

    do
        if (*text == (char)wanted)
            found = text;
    while (*text++ != 0);
    return (char *)found;
}
