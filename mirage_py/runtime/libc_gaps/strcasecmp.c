/* strcasecmp: the order of two texts, capitals taken for small letters (ASCII). */

#include <stddef.h>
#include <strings.h>

static int small(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int strcasecmp(const char *one, const char *other)
{
    for (; *one != 0 && small(*one) == small(*other); other++)
        one++;
    return small(*one) - small(*other);
}
