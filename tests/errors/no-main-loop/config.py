from mirage_py import job, main, register, scheduler

register("hello", [main("Unikernel", job)], scheduler=scheduler.async_)
