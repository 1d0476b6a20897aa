from mirage_py import register

register("schöner-gruß", [])
