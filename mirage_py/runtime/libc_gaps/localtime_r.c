/* localtime_r: local time is UTC, as there are no time zones here. */

#include <stddef.h>
#include <time.h>

struct tm *localtime_r(const time_t *moment, struct tm *result)
{
    if (gmtime_r(moment, result) == NULL)
        return NULL;
    result->tm_zone = "UTC";
    return result;
}
