from mirage_py import fill, job, main, package, register, scheduler

promises = main(
    "Unikernel",
    job,
    packages=[package("async_kernel"), package("core")],
    libc_gaps=fill("EINTR", "localtime", "strftime", "timespec_get"),
)

register("async", [promises], scheduler=scheduler.async_)
