from mirage_py import default_network, register

register("hello", [default_network])
