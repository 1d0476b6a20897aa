/* strerror: in the words of the C locale, for the errors that the target's own errno.h has. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *strerror(int number)
{
    static char unknown[32];

    switch (number) {
    case 0:
        return (char *)"Success";
#define SAID(error, words) \
    case error: \
        return (char *)words;
#ifdef EPERM
        SAID(EPERM, "Operation not permitted")
#endif
#ifdef ENOENT
        SAID(ENOENT, "No such file or directory")
#endif
#ifdef EINTR
        SAID(EINTR, "Interrupted system call")
#endif
#ifdef EIO
        SAID(EIO, "Input/output error")
#endif
#ifdef EBADF
        SAID(EBADF, "Bad file descriptor")
#endif
#ifdef EAGAIN
        SAID(EAGAIN, "Resource temporarily unavailable")
#endif
#ifdef ENOMEM
        SAID(ENOMEM, "Cannot allocate memory")
#endif
#ifdef EACCES
        SAID(EACCES, "Permission denied")
#endif
#ifdef EBUSY
        SAID(EBUSY, "Device or resource busy")
#endif
#ifdef EEXIST
        SAID(EEXIST, "File exists")
#endif
#ifdef ENOTDIR
        SAID(ENOTDIR, "Not a directory")
#endif
#ifdef EISDIR
        SAID(EISDIR, "Is a directory")
#endif
#ifdef EINVAL
        SAID(EINVAL, "Invalid argument")
#endif
#ifdef EMFILE
        SAID(EMFILE, "Too many open files")
#endif
#ifdef ENOSPC
        SAID(ENOSPC, "No space left on device")
#endif
#ifdef EPIPE
        SAID(EPIPE, "Broken pipe")
#endif
#ifdef EDOM
        SAID(EDOM, "Numerical argument out of domain")
#endif
#ifdef ERANGE
        SAID(ERANGE, "Numerical result out of range")
#endif
#ifdef ENAMETOOLONG
        SAID(ENAMETOOLONG, "File name too long")
#endif
#ifdef ENOSYS
        SAID(ENOSYS, "Function not implemented")
#endif
#ifdef EOVERFLOW
        SAID(EOVERFLOW, "Value too large for defined data type")
#endif
#ifdef ENOTSUP
        SAID(ENOTSUP, "Operation not supported")
#endif
#ifdef ECONNRESET
        SAID(ECONNRESET, "Connection reset by peer")
#endif
#ifdef ETIMEDOUT
        SAID(ETIMEDOUT, "Connection timed out")
#endif
    default:
        snprintf(unknown, sizeof unknown, "Unknown error %d", number);
        return unknown;
    }
}
