"""Trace a function of the standard library and print what each of its lines did."""

import textwrap

from tracefunc import tracefunc

TEXT = """
    def greet(name):
        print("Hello,", name)
"""


def show(results):
    """Print a trace line by line: the source, its hits and the values of its names."""
    for number, (_, trace) in enumerate(results, 1):
        print(f"call {number}")
        for source, (hits, names) in trace.items():
            first, *rest = source.splitlines()
            print(f"  {hits:4} x  {first}" + (" ..." if rest else ""))
            for name, samples in names.items():
                texts = [text for _, text in samples]
                print(f"           {name} = {'  |  '.join(dict.fromkeys(texts))}")


def main():
    """Trace textwrap.dedent on two indented lines."""
    print("textwrap.dedent, line by line: how often it ran, and the values it saw\n")
    show(tracefunc(textwrap.dedent, TEXT))


if __name__ == "__main__":
    main()
