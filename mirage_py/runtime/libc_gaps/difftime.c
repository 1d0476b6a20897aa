/* difftime: how many seconds lie between; seconds that a double holds are exact. */

#include <time.h>

double difftime(time_t later, time_t earlier)
{
    if (later >= earlier)
        return (double)((unsigned long)later - (unsigned long)earlier);
    return -(double)((unsigned long)earlier - (unsigned long)later);
}
