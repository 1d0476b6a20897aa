from mirage_py import impl, job, noop, register

made = impl("Unikernel.Main", job, connect="{module}.start ()", extra_deps=[noop], dune=lambda _: "(rule)")
register("hello", [made])
