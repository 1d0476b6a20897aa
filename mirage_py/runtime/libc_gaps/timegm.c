/* timegm: the moment of a calendar date in UTC, whose fields may be out of range and are put right. */

#include <errno.h>
#include <time.h>

static long floored(long number, long divisor)
{
    return number / divisor - (number % divisor < 0);
}

/* Days from 1970 to the first of a month, 0 is January. */
static long days_before(long year, long month)
{
    long from_march = month >= 2 ? month - 2 : month + 10;
    long of_era, era;

    if (month < 2)
        year -= 1;
    era = floored(year, 400);
    of_era = year - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 - 719468;
}

time_t timegm(struct tm *date)
{
    long years = floored(date->tm_mon, 12), seconds, year, days;
    time_t moment;
    struct tm right;

    year = (long)date->tm_year + 1900 + years;
    days = days_before(year, date->tm_mon - years * 12) + (long)date->tm_mday - 1;
    seconds = (long)date->tm_hour * 3600 + (long)date->tm_min * 60 + date->tm_sec;
    moment = days * 86400 + seconds;
    if (gmtime_r(&moment, &right) == 0) {
        errno = EOVERFLOW;
        return -1;
    }
    *date = right;
    return moment;
}
