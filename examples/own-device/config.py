from caches import cache, counted, some_cache

from mirage_py import job, main, register

fibonacci = main("Unikernel.Main", cache >> job)

register("own-device", [fibonacci(counted(some_cache()))])
