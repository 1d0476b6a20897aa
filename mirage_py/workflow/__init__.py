"""The use cases, one module each, as short pipelines; each takes a request and gives a value to show."""
