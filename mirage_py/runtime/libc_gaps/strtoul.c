/* strtoul: a number without a sign, in any base from 2 to 36; 0 takes the base from how it is written. */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define MOST ((unsigned long)-1)

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z')
        return c - 'A' + 10;
    return 36;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    const char *at = text;
    unsigned long number = 0;
    int negative = 0, found = 0, over = 0;

    if (end != NULL)
        *end = (char *)text;
    if (base < 0 || base == 1 || base > 36) {
        errno = EINVAL;
        return 0;
    }
    while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
        at++;
    if (*at == '+' || *at == '-')
        negative = *at++ == '-';
    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && digit(at[2]) < 16) {
        at += 2;
        base = 16;
    }
    if (base == 0)
        base = *at == '0' ? 8 : 10;
    for (; digit(*at) < base; at++) {
        unsigned next = (unsigned)digit(*at);

        over |= number > (MOST - next) / (unsigned)base;
        number = number * (unsigned)base + next;
        found = 1;
    }
    if (end != NULL && found)
        *end = (char *)at;
    if (over) {
        errno = ERANGE;
        return MOST;
    }
    return negative ? 0 - number : number;
}
