/* strncasecmp: the order of at most so many characters of two texts, capitals taken for small letters (ASCII). */

#include <stddef.h>
#include <strings.h>

static int small(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

int strncasecmp(const char *one, const char *other, size_t most)
{
    for (; most > 0; one++, other++, most--)
        if (*one == 0 || small(*one) != small(*other))
            return small(*one) - small(*other);
    return 0;
}
