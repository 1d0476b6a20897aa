/* clock_gettime: the wall clock and the monotonic one; there is no other. */

#include <errno.h>
#include <stdint.h>
#include <time.h>

extern uint64_t solo5_clock_wall(void);
extern uint64_t solo5_clock_monotonic(void);

int clock_gettime(clockid_t clock, struct timespec *result)
{
    uint64_t now;

    if (clock == CLOCK_REALTIME)
        now = solo5_clock_wall();
    else if (clock == CLOCK_MONOTONIC)
        now = solo5_clock_monotonic();
    else {
        errno = EINVAL;
        return -1;
    }
    result->tv_sec = (time_t)(now / 1000000000u);
    result->tv_nsec = (long)(now % 1000000000u);
    return 0;
}
