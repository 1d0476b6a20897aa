from typing import Any

from mirage_py import job, main, register

# let conf () = impl @@ object end
conf: Any = ...

register("hello", [main("Unikernel", job), conf()])
