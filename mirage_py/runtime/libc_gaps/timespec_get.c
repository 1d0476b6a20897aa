/* timespec_get (C11): the wall clock. */

#include <stdint.h>
#include <time.h>

extern uint64_t solo5_clock_wall(void);

int timespec_get(struct timespec *result, int base)
{
    uint64_t now;

    if (base != TIME_UTC)
        return 0;
    now = solo5_clock_wall();
    result->tv_sec = (time_t)(now / 1000000000u);
    result->tv_nsec = (long)(now % 1000000000u);
    return base;
}
