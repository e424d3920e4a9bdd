"""Numbers of any size up to 64 bits: seven bits a byte, the lowest first, the highest bit set if more follow."""

from __future__ import annotations

_MOST_BYTES = 10


def put_varint(out: bytearray, number: int) -> None:
    """Append a number from 0 to 2**64 - 1."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends; raise ValueError if there is none."""
    if at < len(data) and data[at] < 128:  # as most are
        return data[at], at + 1
    number = shift = 0
    for place in range(at, at + _MOST_BYTES):
        if place >= len(data):
            raise ValueError(f"the number at {at} goes beyond the end, {len(data)}")
        byte = data[place]
        number |= (byte & 127) << shift
        if byte < 128:
            if number >> 64:
                break
            return number, place + 1
        shift += 7
    raise ValueError(f"the number at {at} has more than 64 bits")
