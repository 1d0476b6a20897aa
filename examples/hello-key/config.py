from mirage_py import job, main, package, register, runtime_arg

hello = runtime_arg("Unikernel.hello", option="hello")

register("hello-key", [main("Unikernel", job, packages=[package("duration")], runtime_args=[hello])])
