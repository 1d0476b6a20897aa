/* dup: there are no descriptors but those of the console, and no more can be had: it fails, and says so. */

#include <errno.h>
#include <unistd.h>

int dup(int descriptor)
{
    (void)descriptor;
    errno = EMFILE;
    return -1;
}
