from mirage_py import generic_kv_ro, job, kv_ro, main, network, ramdisk, register

both = main("Unikernel.Main", kv_ro >> (network >> job))

register("both", [both(generic_kv_ro("htdocs"), ramdisk("disk"))])
