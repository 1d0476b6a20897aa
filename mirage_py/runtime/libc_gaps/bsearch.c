/* bsearch: an element of a sorted array. */

#include <stddef.h>
#include <stdlib.h>

void *bsearch(
    const void *wanted, const void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    const char *low = array;

    while (count > 0) {
        const char *middle = low + count / 2 * size;
        int order = compare(wanted, middle);

        if (order == 0)
            return (void *)middle;
        if (order > 0) {
            low = middle + size;
            count -= count / 2 + 1;
        } else
            count /= 2;
    }
    return NULL;
}
