from mirage_py import register
from ours import hello

register("hello", [hello("Unikernel")])
