from mirage_py import fill, job, main, package, register, scheduler

promises = main(
    "Unikernel",
    job,
    packages=[package("async_kernel"), package("core")],
    libc_gaps=fill(
        "EINTR",
        "SEEK_CUR",
        "caml/threads.h",
        "caml/unixsupport.h",
        "dup",
        "dup2",
        "getcwd",
        "localtime",
        "memmem",
        "strftime",
        "timespec_get",
    ),
)

register("async", [promises], scheduler=scheduler.async_)
