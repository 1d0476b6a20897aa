from mirage_py import job, main, network, register

register("hello", [main("Unikernel.Main", network >> job)])
