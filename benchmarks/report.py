"""Turn the JSON of a run into a Markdown report and a picture beside it, and print the report.

python benchmarks/report.py benchmarks/results/3.14.json

With --docs, also write what the documentation shows of it, docs/benchmarks.md and docs/pictures/benchmarks.svg, and the
table in the README.
"""

import argparse
import json
from pathlib import Path
from statistics import geometric_mean

from tracers import TRACERS
from workloads import YARDSTICKS

IN_DETAIL = ["null callback, measured points", "null callback, every instruction", "tracefunc, fast", "tracefunc, pure"]
PANELS = ["programs", "loops"]
ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
# What is between these in the README is written here.
BEGIN, END = "<!-- written by make bench -->\n", "<!-- end -->\n"


class Run:
    """What was measured in one run, and what could not be."""

    def __init__(self, data):
        self.figures = [bench["extra_info"] for bench in data["benchmarks"]]
        self.missing = data["missing"]
        machine = data["machine_info"]
        self.python = machine["python_version"]
        cpu = machine["cpu"]
        self.machine = f"{cpu.get('brand_raw', machine['machine'])}, {cpu['count']} cores, {machine['system']}"
        self.date = data["datetime"][:10]

    @property
    def title(self):
        return f"CPython {self.python}, {self.machine}, {self.date}"

    def distinct(self, key):
        """The values of a key, in the order of the first tracer's workloads."""
        return list(dict.fromkeys(entry[key] for entry in [*self.figures, *self.missing]))

    @property
    def tracers(self):
        """The names of the tracers, in the order in which they are defined."""
        return sorted(self.distinct("tracer"), key=list(TRACERS).index)

    def of(self, **wanted):
        """The figures with some values."""
        return [figure for figure in self.figures if all(figure[key] == value for key, value in wanted.items())]

    def label(self, tracer):
        """A tracer's name and version."""
        figures = self.of(tracer=tracer)
        return f"{tracer} {figures[0]['version']}".strip() if figures else tracer

    def mean(self, tracer, group):
        """The geometric mean of a group as text, and of how many of the group's workloads if some are missing."""
        ratios = [figure["ratio"] for figure in self.of(tracer=tracer, group=group)]
        absent = [entry for entry in self.missing if entry["tracer"] == tracer and entry["group"] == group]
        if not ratios:
            return "–"
        share = f" ({len(ratios)} of {len(ratios) + len(absent)})" if absent else ""
        return number(geometric_mean(ratios)) + share


def number(value):
    """A ratio with three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def percentage(part):
    """A part of the input."""
    if part is None:
        return "–"
    return f"{100 * part:.0f} %" if part >= 0.1 else f"{100 * part:.2g} %"


def markdown_table(header, rows):
    """A Markdown table whose columns behind the first are numbers."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def means_table(run, groups):
    """A row for each tracer, a column for each group."""
    smallest = {
        tracer: min((f["part"] for f in run.of(tracer=tracer) if f["group"] in groups), default=None)
        for tracer in run.tracers
    }
    return markdown_table(
        ["", *groups, "smallest part of the input"],
        [
            [
                run.label(tracer),
                *(run.mean(tracer, group) for group in groups),
                percentage(part),
            ]
            for tracer, part in smallest.items()
        ],
    )


def detail_table(run):
    """A row for each workload: the ratio and the lowest and highest of a round."""
    tracers = [tracer for tracer in IN_DETAIL if run.of(tracer=tracer)]
    rows = []
    for workload in run.distinct("workload"):
        cells = []
        for tracer in tracers:
            figures = run.of(tracer=tracer, workload=workload)
            cells += [f"{number(f['ratio'])} ({number(f['lowest'])} to {number(f['highest'])})" for f in figures] or [
                "–"
            ]
        rows.append([workload, *cells])
    return markdown_table(["", *tracers], rows)


def missing_list(run):
    """What could not be measured, by reason."""
    by_reason = {}
    for entry in run.missing:
        by_reason.setdefault((entry["tracer"], entry["reason"]), []).append(entry["workload"])
    everything = len(run.distinct("workload"))
    return "\n".join(
        f"- {tracer}, {'everything' if len(names) == everything else ', '.join(names)}: {reason}"
        for (tracer, reason), names in by_reason.items()
    )


def markdown(run):
    """The whole report."""
    groups = run.distinct("group")
    hot = [group for group in groups if group not in YARDSTICKS]
    prices = [group for group in groups if group in YARDSTICKS]
    return f"""# Traced / untraced

{run.title}. CPU time of the traced run divided by that of the same run untraced: geometric means of the
workloads of a group. Slow tracers get a part of the input, the smallest of which is named; what they do once
for each trace, or for the first hits of a line, counts for more then. "9 of 11": the mean is that of the nine
that could be measured; the last section says why the others could not.

{means_table(run, hot)}

# Prices

CPU time divided by that of {"; ".join(f"{YARDSTICKS[group]} ({group})" for group in prices)}.

{means_table(run, prices)}

# Each workload

The ratio of the shortest times, and the lowest and highest ratio of a round.

{detail_table(run)}

# Not measured

{missing_list(run) or "Nothing: all is there."}
"""


def docs_markdown(run):
    """What the documentation shows: the picture and the tables of means, without headings."""
    groups = run.distinct("group")
    hot = [group for group in groups if group not in YARDSTICKS]
    prices = [group for group in groups if group in YARDSTICKS]
    return f"""\
![A bar for each tool and a dot for each workload: CPU time as a multiple of untraced CPU time](pictures/benchmarks.svg)

{run.title}. Geometric means over the workloads of a group. The line in the picture is untraced code. Slow tools get
only a part of the input; the last column shows the smallest part. "9 of 11" means that nine of eleven workloads
could be measured.

{means_table(run, hot)}

What else a trace costs: its CPU time divided by the CPU time of
{"; ".join(f"{YARDSTICKS[group]} ({group})" for group in prices)}.

{means_table(run, prices)}

Not measured:

{missing_list(run) or "- Nothing: all is there."}
"""


def readme_markdown(run):
    """What the README shows: the table of means."""
    hot = [group for group in run.distinct("group") if group not in YARDSTICKS]
    return f"{means_table(run, hot)}\n\n{run.title}.\n"


def picture(run, path):
    """Draw a bar for each tracer, and a dot for each workload in it; the line is untraced code."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "tracefunc"
    from matplotlib import pyplot
    from matplotlib.ticker import LogLocator

    tracers = [tracer for tracer in reversed(run.tracers) if run.of(tracer=tracer, group=PANELS[0])]
    figure, panels = pyplot.subplots(1, len(PANELS), figsize=(11, 0.42 * len(tracers) + 1.6), sharex=True, sharey=True)
    for panel, group in zip(panels, PANELS, strict=True):
        for row, tracer in enumerate(tracers):
            ratios = [f["ratio"] for f in run.of(tracer=tracer, group=group)]
            if not ratios:
                continue
            mean = geometric_mean(ratios)
            color = "#2a6fb0" if tracer.startswith("tracefunc, ") else "#b8bec6"
            panel.barh(row, mean - 1, left=1, color=color, height=0.62)
            panel.plot(ratios, [row] * len(ratios), ".", color="#30343a", markersize=3, alpha=0.45)
            panel.text(max(mean, *ratios) * 1.25, row, number(mean), va="center", fontsize=9)
        panel.axvline(1, color="#c0392b", linewidth=1.5)
        panel.set_title(group, fontsize=11)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(base=100))  # a label for each power of ten would touch the next
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.set_xlabel("times untraced CPU time")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", color="#e6e8eb")
        panel.set_axisbelow(True)
    panels[0].set_yticks(range(len(tracers)), [run.label(tracer) for tracer in tracers])
    panels[0].set_xlim(0.7, panels[0].get_xlim()[1] * 6)
    figure.suptitle(run.title, fontsize=9, color="#555b63")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("json", type=Path, help="the file that pytest-benchmark has written")
    parser.add_argument("--docs", action="store_true", help="also write what the documentation shows")
    arguments = parser.parse_args()
    source = arguments.json
    run = Run(json.loads(source.read_text(encoding="utf-8")))
    text = markdown(run)
    source.with_suffix(".md").write_text(text, encoding="utf-8")
    picture(run, source.with_suffix(".svg"))
    if arguments.docs:
        (DOCS / "benchmarks.md").write_text(docs_markdown(run), encoding="utf-8")
        (DOCS / "pictures").mkdir(exist_ok=True)
        picture(run, DOCS / "pictures" / "benchmarks.svg")
        before, rest = README.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        README.write_text(before + BEGIN + readme_markdown(run) + END + after, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
