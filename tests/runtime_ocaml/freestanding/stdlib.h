/* What the freestanding libc adds to the host's stdlib.h. */
#pragma once

#include_next <stdlib.h>

struct mallinfo {
    size_t uordblks;
};

struct mallinfo mallinfo(void);
