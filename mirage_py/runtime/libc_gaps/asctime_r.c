/* asctime_r: a date as C has it, in 26 characters; a year of more than four digits does not fit. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat???";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec???";

char *asctime_r(const struct tm *date, char *result)
{
    const char *day = days + 3 * (date->tm_wday >= 0 && date->tm_wday < 7 ? date->tm_wday : 7);
    const char *month = months + 3 * (date->tm_mon >= 0 && date->tm_mon < 12 ? date->tm_mon : 12);
    long year = (long)date->tm_year + 1900;
    char text[64];
    int i;

    snprintf(text, sizeof text, "%.3s %.3s%3d %02d:%02d:%02d %ld\n", day, month, date->tm_mday, date->tm_hour,
        date->tm_min, date->tm_sec, year);
    for (i = 0; i < 26; i++)
        if ((result[i] = text[i]) == 0)
            return result;
    errno = EOVERFLOW;
    return NULL;
}
