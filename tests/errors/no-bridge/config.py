from mirage_py import Scheduler, job, main, register

direct = Scheduler(name="direct", opens=("Direct",), promise="Direct.t", return_="Direct.return", bind=">>=", run="run")

register("hello", [main("Unikernel", job)], scheduler=direct)
