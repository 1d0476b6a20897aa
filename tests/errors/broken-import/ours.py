from mirage_py import job, main

hello = main("Unikernel", job
