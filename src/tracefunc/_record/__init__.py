"""Recording: the engines, what is armed, and the calls while they run."""
