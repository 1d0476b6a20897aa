from mirage_py import job, main, register

names = {}


def jobs():
    return [main(names["first"], job)]


register("hello", jobs())
