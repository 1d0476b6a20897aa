/* localtime: as localtime_r, in a place of its own. */

#include <time.h>

struct tm *localtime(const time_t *moment)
{
    static struct tm result;

    return localtime_r(moment, &result);
}
