/* tzset: there are no time zones to set. */

#include <time.h>

void tzset(void)
{
}
