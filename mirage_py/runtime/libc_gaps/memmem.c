/* memmem: the first place of some bytes among others. */

#include <stddef.h>
#include <string.h>

void *memmem(const void *bytes, size_t size, const void *wanted, size_t length)
{
    const char *at = bytes;

    for (; size >= length; at++, size--)
        if (memcmp(at, wanted, length) == 0)
            return (void *)at;
    return NULL;
}
