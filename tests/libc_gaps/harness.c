/* The clocks of Solo5, which the C of the gaps calls, over those of this machine; and a way to a function with va_list. */

#include <stdarg.h>
#include <stdint.h>
#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec found;

    clock_gettime(clock, &found);
    return (uint64_t)found.tv_sec * 1000000000u + (uint64_t)found.tv_nsec;
}

uint64_t solo5_clock_wall(void)
{
    return now(CLOCK_REALTIME);
}

uint64_t solo5_clock_monotonic(void)
{
    return now(CLOCK_MONOTONIC);
}

int gap_vsprintf(char *, const char *, va_list);

int through_vsprintf(char *to, const char *format, ...)
{
    va_list values;
    int length;

    va_start(values, format);
    length = gap_vsprintf(to, format, values);
    va_end(values);
    return length;
}
