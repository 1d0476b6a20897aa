/* time: the wall clock, in seconds since 1970. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

extern uint64_t solo5_clock_wall(void);

time_t time(time_t *result)
{
    time_t now = (time_t)(solo5_clock_wall() / 1000000000u);

    if (result != NULL)
        *result = now;
    return now;
}
