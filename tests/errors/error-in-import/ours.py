from mirage_py import job, main


def hello(name):
    return main(name, job, packages=["duration"])
