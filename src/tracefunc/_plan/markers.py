"""The numbers that stand for something else where a plan has a line's number, an offset or a depth."""

# What an offset does to the line under way, where it starts no line.
NOTHING = -1  # ends it: clean-up code, which belongs to no line
UNCHANGED = -2  # leaves it as it is
# What becomes of an exception that is neither caught at an offset nor (NOTHING) leaves the frame.
UNREPORTED = -3  # it goes to a handler that does not report it

# Where the iterable of a loop is, instead of a depth of the stack: in `.0`, a generator expression's first variable.
FIRST_VARIABLE = -1
