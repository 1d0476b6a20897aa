/* The part of Solo5's interface that the bundled runtime uses, declared anew, to compile its C where no Solo5 is. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct solo5_start_info {
    const char *cmdline;
    uintptr_t heap_start;
    size_t heap_size;
};

typedef uint64_t solo5_time_t;
typedef uint64_t solo5_handle_set_t;

int solo5_app_main(const struct solo5_start_info *info);
solo5_time_t solo5_clock_monotonic(void);
solo5_time_t solo5_clock_wall(void);
void solo5_yield(solo5_time_t deadline, solo5_handle_set_t *ready_set);
