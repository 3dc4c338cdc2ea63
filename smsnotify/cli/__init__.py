"""The command line: parse input, call the engine, show the result."""
