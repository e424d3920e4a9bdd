"""The shape that some tools cannot read, in a file of its own: they give up on all functions of a file with it."""


def match_statement(size):
    """A `match` over values of different shapes."""
    shapes = [("move", 1, 2), ("stop",), ["turn", 90], {"go": 3}, 7, None]
    total = 0
    for i in range(size):
        match shapes[i % 6]:
            case ("move", x, y):
                total += x + y
            case ("stop",):
                total += 1
            case ["turn", angle] if angle > 45:
                total += angle
            case {"go": steps}:
                total -= steps
            case int(n):
                total += n
            case _:
                total ^= 1
    return total
