/* iscntrl: a control character. */

#include <ctype.h>

int (iscntrl)(int c) /* in brackets: a header may have a macro of that name */
{
    return (c >= 0 && c < ' ') || c == 127;
}
