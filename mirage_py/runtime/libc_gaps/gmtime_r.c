/* gmtime_r: the calendar of a moment, in UTC. Years are counted from March, so that the leap day comes last. */

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>

#define DAY 86400
#define DAYS_OF_400_YEARS 146097
#define FROM_MARCH_OF_0000_TO_1970 719468

struct tm *gmtime_r(const time_t *moment, struct tm *result)
{
    long days = *moment / DAY, left = *moment % DAY, era, year, of_year, month;

    if (left < 0) {
        left += DAY;
        days -= 1;
    }
    result->tm_hour = (int)(left / 3600);
    result->tm_min = (int)(left / 60 % 60);
    result->tm_sec = (int)(left % 60);
    result->tm_wday = (int)((days % 7 + 11) % 7); /* 1970 began on a Thursday */

    days += FROM_MARCH_OF_0000_TO_1970;
    era = (days >= 0 ? days : days - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    days -= era * DAYS_OF_400_YEARS;
    year = (days - days / 1460 + days / 36524 - days / 146096) / 365;
    of_year = days - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153;
    result->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
    year += era * 400;
    if (month >= 10) {
        year += 1;
        result->tm_mon = (int)(month - 10);
        result->tm_yday = (int)(of_year - 306);
    } else {
        result->tm_mon = (int)(month + 2);
        result->tm_yday = (int)(of_year + 59 + ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0));
    }
    if (year - 1900 > INT_MAX || year - 1900 < INT_MIN) {
        errno = EOVERFLOW;
        return NULL;
    }
    result->tm_year = (int)(year - 1900);
    result->tm_isdst = 0;
    result->tm_gmtoff = 0;
    result->tm_zone = "GMT";
    return result;
}
