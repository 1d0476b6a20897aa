from mirage_py import job, main, register

register("greeter", [main("Greeter", job, modules=["Greeter", "Phrases"])])
register("parter", [main("Parter", job, modules=["Parter", "Phrases"])])
