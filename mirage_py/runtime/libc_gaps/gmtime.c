/* gmtime: as gmtime_r, in a place of its own. */

#include <time.h>

struct tm *gmtime(const time_t *moment)
{
    static struct tm result;

    return gmtime_r(moment, &result);
}
