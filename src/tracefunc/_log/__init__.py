"""The log: what recorders write while the program runs, as bytes, and what results are read from."""
