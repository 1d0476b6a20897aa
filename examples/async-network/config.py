from mirage_py import default_network, fill, generic_stackv4v6, job, main, package, register, scheduler, stackv4v6

echo = main(
    "Unikernel.Main",
    stackv4v6 >> job,
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

# The network stack speaks Lwt: it is let in over the bridge.
register(
    "async-network",
    [echo(generic_stackv4v6(default_network))],
    scheduler=scheduler.async_.bridging(scheduler.lwt),
)
