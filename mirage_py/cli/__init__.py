"""The command line: one module for each command, which parses, calls the workflow, and prints."""
