from mirage_py import register

register("one", [])
register("two", [])
