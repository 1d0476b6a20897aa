/* ctime_r: asctime_r of localtime_r. */

#include <stddef.h>
#include <time.h>

char *ctime_r(const time_t *moment, char *result)
{
    struct tm date;

    return localtime_r(moment, &date) == NULL ? NULL : asctime_r(&date, result);
}
