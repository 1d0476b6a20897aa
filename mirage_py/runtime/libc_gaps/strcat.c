/* strcat: a text behind another one. */

#include <string.h>

char *strcat(char *to, const char *text)
{
    memcpy(to + strlen(to), text, strlen(text) + 1);
    return to;
}
