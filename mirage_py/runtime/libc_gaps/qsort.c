/* qsort: a heap in place, without memory of its own and without a worst case that is quadratic. */

#include <stddef.h>
#include <stdlib.h>

typedef int order(const void *, const void *);

static void swap(char *one, char *other, size_t size)
{
    while (size-- > 0) {
        char kept = *one;

        *one++ = *other;
        *other++ = kept;
    }
}

/* Let the element at `root` sink until none of the two below it is greater. */
static void sink(char *all, size_t root, size_t count, size_t size, order *compare)
{
    while (root < count / 2) {
        size_t below = 2 * root + 1;

        if (below + 1 < count && compare(all + below * size, all + (below + 1) * size) < 0)
            below++;
        if (compare(all + root * size, all + below * size) >= 0)
            return;
        swap(all + root * size, all + below * size, size);
        root = below;
    }
}

void qsort(void *all, size_t count, size_t size, order *compare)
{
    size_t at;

    for (at = count / 2; at-- > 0;)
        sink(all, at, count, size, compare);
    for (at = count; at-- > 1;) {
        swap(all, (char *)all + at * size, size);
        sink(all, 0, at, size, compare);
    }
}
