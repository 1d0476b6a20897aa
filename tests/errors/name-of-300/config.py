from mirage_py import register

register("x" * 300, [])
