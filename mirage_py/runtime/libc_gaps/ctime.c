/* ctime: as ctime_r, in a place of its own. */

#include <time.h>

char *ctime(const time_t *moment)
{
    static char result[26];

    return ctime_r(moment, result);
}
