from mirage_py import job, main, register
import devices_of_ours

register("hello", [main("Unikernel", job)])
