from mirage_py import block, generic_kv_ro, http, job, kv_ro, main, ramdisk, register

dispatch = main("Dispatch.HTTPS", kv_ro >> (kv_ro >> (http >> job)))

register("https", [dispatch(generic_kv_ro("htdocs"), ramdisk("disk"), ramdisk("disk"))])
