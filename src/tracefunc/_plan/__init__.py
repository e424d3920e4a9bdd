"""Plans: what the source and the bytecode of a target say before anything runs."""
