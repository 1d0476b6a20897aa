from mirage_py import register

register("café", [])
