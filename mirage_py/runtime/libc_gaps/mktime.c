/* mktime: as timegm, as local time is UTC. */

#include <time.h>

time_t mktime(struct tm *date)
{
    struct tm right = *date;
    time_t moment = timegm(&right);

    if (moment == -1 && right.tm_year != 69)
        return moment; /* not the second before 1970, but a year that does not fit */
    *date = right;
    date->tm_zone = "UTC";
    return moment;
}
