"""Find out why a call raised: the trace ends at the raise, and shows what was never reached."""

import statistics

from tracefunc import tracefunc


def main():
    """Trace statistics.median on a list that a filter has left empty."""
    results = tracefunc(statistics.median, [], incl_unhit=True)
    print(f"raised: {results.exc!r}\n")
    _, trace = results[0]
    for source, (hits, names) in trace.items():
        mark = f"{hits} x" if hits else "never"
        print(f"{mark:>6}  {source}")
        for name, samples in names.items():
            if samples:
                print(f"          {name} = {samples[-1][1]}")


if __name__ == "__main__":
    main()
