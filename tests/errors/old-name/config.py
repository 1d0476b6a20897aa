from mirage_py import foreign, job, register

register("hello", [foreign("Unikernel", job)])
