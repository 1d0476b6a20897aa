from mirage_py import register
import ours

register("hello", [ours.hello])
