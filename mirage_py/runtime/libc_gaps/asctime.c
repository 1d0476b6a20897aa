/* asctime: as asctime_r, in a place of its own. */

#include <time.h>

char *asctime(const struct tm *date)
{
    static char result[26];

    return asctime_r(date, result);
}
