/* memrchr: the last place of a byte. */

#include <stddef.h>
#include <string.h>

void *memrchr(const void *bytes, int wanted, size_t size)
{
    const unsigned char *start = bytes;

    while (size-- > 0)
        if (start[size] == (unsigned char)wanted)
            return (void *)(start + size);
    return NULL;
}
