"""Follow one function while another one runs: who called it, and with what?"""

import copy

from tracefunc import tracefunc


def main():
    """Trace the calls of copy.deepcopy that copying a nested list makes."""
    for number, (stack, trace) in enumerate(tracefunc(copy.deepcopy, [1, [2]], target_func=copy.deepcopy), 1):
        print(f"call {number}, line by line")
        for source, (hits, names) in trace.items():
            values = {name: samples[-1][1] for name, samples in names.items() if name in ("x", "y")}
            print(f"  {hits} x  {source.splitlines()[0]}", values or "")
        print("  called by")
        for frame in reversed(stack.splitlines()[:-1]):
            print("   ", frame)


if __name__ == "__main__":
    main()
