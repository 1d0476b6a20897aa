from mirage_py import register

register("../hello", [])
