"""Functions that are named as targets by the tests."""
