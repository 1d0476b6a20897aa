/* strftime, in the C locale: every conversion of C11 and POSIX, with the flags, widths and further conversions of GNU. */

#include <stddef.h>
#include <time.h>

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December" };

struct place {
    char *next, *end;
};

/* How one conversion is written: what pads (0: as the conversion has it, '-': nothing), to which width, in which case. */
struct manner {
    int pad, width, upper, swap;
};

static int put(struct place *to, char c)
{
    if (to->next >= to->end)
        return 0;
    *to->next++ = c;
    return 1;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int fill(struct place *to, int count, char with)
{
    while (count-- > 0)
        if (!put(to, with))
            return 0;
    return 1;
}

static int put_text(struct place *to, const char *text, long length, struct manner how)
{
    if (how.pad != '-' && !fill(to, how.width - (int)length, how.pad == '0' ? '0' : ' '))
        return 0;
    for (; length > 0; length--, text++)
        if (!put(to, how.upper ? upper(*text) : how.swap ? lower(*text) : *text))
            return 0;
    return 1;
}

static long length_of(const char *text)
{
    const char *end = text;

    while (*end)
        end++;
    return end - text;
}

/* A name, whole or its first three letters; '#' asks for capitals. */
static int put_name(struct place *to, const char *name, int whole, struct manner how)
{
    how.upper |= how.swap;
    how.swap = 0;
    return put_text(to, name, whole || name[0] == '?' ? length_of(name) : 3, how);
}

static int put_number(struct place *to, long number, int digits, int usual, struct manner how)
{
    char text[24], *start = text + sizeof text;
    unsigned long rest = number < 0 ? 0ul - (unsigned long)number : (unsigned long)number;
    int pad = how.pad ? how.pad : usual, missing, wanted;

    do
        *--start = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    wanted = digits > how.width ? digits : how.width;
    missing = pad == '-' ? 0 : wanted - (int)(text + sizeof text - start) - (number < 0);
    if (pad == '_' && !fill(to, missing, ' '))
        return 0;
    if (number < 0 && !put(to, '-'))
        return 0;
    if (pad == '0' && !fill(to, missing, '0'))
        return 0;
    while (start < text + sizeof text)
        if (!put(to, *start++))
            return 0;
    return 1;
}

static int leap(long year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since the Monday that began the first week of ISO 8601 in a year; negative before it. */
static int since_first_week(int yday, int wday)
{
    int big = 3 * 7;

    return yday - (yday - wday + 4 + big) % 7 + 4 - 1;
}

/* The year that ISO 8601 counts the week to, and the week's number. */
static long iso_year(const struct tm *date, int *week)
{
    long year = (long)date->tm_year + 1900;
    int passed = since_first_week(date->tm_yday, date->tm_wday);

    if (passed < 0) {
        year -= 1;
        passed = since_first_week(date->tm_yday + 365 + leap(year), date->tm_wday);
    } else {
        int next = since_first_week(date->tm_yday - (365 + leap(year)), date->tm_wday);
        if (next >= 0) {
            year += 1;
            passed = next;
        }
    }
    *week = passed / 7 + 1;
    return year;
}

static int put_format(struct place *to, const char *format, const struct tm *date);

/* A conversion that stands for others: all of it is padded and raised together. */
static int put_composed(struct place *to, const char *format, const struct tm *date, struct manner how)
{
    char text[128];
    struct place here = { text, text + sizeof text };

    if (!put_format(&here, format, date))
        return 0;
    how.swap = 0;
    return put_text(to, text, here.next - text, how);
}

static int put_zone(struct place *to, const struct tm *date, struct manner how)
{
    long offset = date->tm_gmtoff / 60;

    if (date->tm_isdst < 0)
        return 1;
    if (!put(to, offset < 0 ? '-' : '+'))
        return 0;
    offset = offset < 0 ? -offset : offset;
    how.width -= 1;
    return put_number(to, offset / 60 * 100 + offset % 60, 4, '0', how);
}

static int put_one(struct place *to, char conversion, const struct tm *date, struct manner how)
{
    long year = (long)date->tm_year + 1900;
    int hour12 = date->tm_hour % 12 == 0 ? 12 : date->tm_hour % 12, week = 0;
    struct tm copy;
    const char *zone;

    switch (conversion) {
    case 'a':
    case 'A':
        return put_name(to, date->tm_wday < 0 || date->tm_wday > 6 ? "?" : days[date->tm_wday], conversion == 'A', how);
    case 'b':
    case 'h':
    case 'B':
        return put_name(to, date->tm_mon < 0 || date->tm_mon > 11 ? "?" : months[date->tm_mon], conversion == 'B', how);
    case 'c':
        return put_composed(to, "%a %b %e %H:%M:%S %Y", date, how);
    case 'D':
    case 'x':
        return put_composed(to, "%m/%d/%y", date, how);
    case 'F':
        return put_composed(to, "%Y-%m-%d", date, how);
    case 'r':
        return put_composed(to, "%I:%M:%S %p", date, how);
    case 'R':
        return put_composed(to, "%H:%M", date, how);
    case 'T':
    case 'X':
        return put_composed(to, "%H:%M:%S", date, how);
    case 'C':
        return put_number(to, year / 100 - (year % 100 < 0), 2, '0', how);
    case 'd':
        return put_number(to, date->tm_mday, 2, '0', how);
    case 'e':
        return put_number(to, date->tm_mday, 2, '_', how);
    case 'H':
        return put_number(to, date->tm_hour, 2, '0', how);
    case 'I':
        return put_number(to, hour12, 2, '0', how);
    case 'k':
        return put_number(to, date->tm_hour, 2, '_', how);
    case 'l':
        return put_number(to, hour12, 2, '_', how);
    case 'j':
        return put_number(to, date->tm_yday + 1, 3, '0', how);
    case 'm':
        return put_number(to, date->tm_mon + 1, 2, '0', how);
    case 'M':
        return put_number(to, date->tm_min, 2, '0', how);
    case 'S':
        return put_number(to, date->tm_sec, 2, '0', how);
    case 'u':
        return put_number(to, (date->tm_wday + 6) % 7 + 1, 1, '0', how);
    case 'w':
        return put_number(to, date->tm_wday, 1, '0', how);
    case 'U':
        return put_number(to, (date->tm_yday - date->tm_wday + 7) / 7, 2, '0', how);
    case 'W':
        return put_number(to, (date->tm_yday - (date->tm_wday + 6) % 7 + 7) / 7, 2, '0', how);
    case 'V':
        iso_year(date, &week);
        return put_number(to, week, 2, '0', how);
    case 'g':
        return put_number(to, (iso_year(date, &week) % 100 + 100) % 100, 2, '0', how);
    case 'G':
        return put_number(to, iso_year(date, &week), 4, '0', how);
    case 'y':
        return put_number(to, (year % 100 + 100) % 100, 2, '0', how);
    case 'Y':
        return put_number(to, year, 4, '0', how);
    case 'p':
        return put_text(to, date->tm_hour >= 12 ? "PM" : "AM", 2, how);
    case 'P':
        how.swap = 1;
        how.upper = 0;
        return put_text(to, date->tm_hour >= 12 ? "PM" : "AM", 2, how);
    case 's':
        if (how.width > 0) /* padded as text is, a sign before it too */
            return put_composed(to, "%s", date, how);
        copy = *date;
        return put_number(to, mktime(&copy), 1, '0', how);
    case 'z':
        return put_zone(to, date, how);
    case 'Z':
        zone = date->tm_zone != NULL ? date->tm_zone : "";
        return put_text(to, zone, length_of(zone), how);
    case 'n':
        return put_text(to, "\n", 1, how);
    case 't':
        return put_text(to, "\t", 1, how);
    case '%':
        return put_text(to, "%", 1, how);
    default:
        return -1;
    }
}

/* Flags, a width and a modifier, which the C locale does not heed. */
static const char *manner_of(const char *at, struct manner *how)
{
    how->pad = how->width = how->upper = how->swap = 0;
    for (;; at++) {
        if (*at == '_' || *at == '-' || *at == '0')
            how->pad = *at;
        else if (*at == '^')
            how->upper = 1;
        else if (*at == '#')
            how->swap = 1;
        else
            break;
    }
    for (; *at >= '0' && *at <= '9'; at++)
        if (how->width < 10000)
            how->width = how->width * 10 + *at - '0';
    return *at == 'E' || *at == 'O' ? at + 1 : at;
}

static int put_format(struct place *to, const char *format, const struct tm *date)
{
    for (; *format; format++) {
        const char *start = format;
        struct manner how;
        int done;

        if (*format != '%') {
            if (!put(to, *format))
                return 0;
            continue;
        }
        format = manner_of(format + 1, &how);
        done = *format ? put_one(to, *format, date, how) : -1;
        if (done == 0)
            return 0;
        if (done < 0) { /* no conversion: as it stands */
            if (*format == 0)
                format--;
            while (start <= format)
                if (!put(to, *start++))
                    return 0;
        }
    }
    return 1;
}

size_t strftime(char *result, size_t size, const char *format, const struct tm *date)
{
    struct place to = { result, result + size };

    if (!put_format(&to, format, date) || !put(&to, 0))
        return 0;
    return (size_t)(to.next - result - 1);
}
