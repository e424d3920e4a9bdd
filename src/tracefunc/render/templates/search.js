// The matches of a text in a trace.

/** Where a text occurs: rows of source, and samples of lines, call by call. */
export class Search {
  constructor(model, query) {
    this.model = model;
    this.query = query;
    const has = (text) => text.toLowerCase().includes(query);
    this.samples = new Set();
    model.samples.forEach(([type, text], i) => { if (has(text) || has(type)) this.samples.add(i); });
    this.inSource = new Map(model.targets.map((target) => [target, this.rowsOf(target, has)]));
    this.counts = model.calls.map((call) => this.of(call).length);
    this.total = this.counts.reduce((sum, count) => sum + count, 0);
  }

  rowsOf(target, has) {
    const rows = [];
    target.rows.forEach((text, row) => {
      if (!has(text)) return;
      const position = text.toLowerCase().indexOf(this.query);
      rows.push({ row, line: target.lineAt(row, position), sample: -1 });
    });
    return rows;
  }

  /** The matches of a call; those of the last call that was asked for are kept. */
  in(call) {
    if (this.last?.call !== call) this.last = { call, found: this.of(call) };
    return this.last.found;
  }

  /** The matches of a call in the order of the source: {row, line, sample}, line and sample may be -1. */
  of(call) {
    const rows = this.inSource.get(call.target);
    const values = this.samples.size ? this.valuesOf(call) : [];
    return values.length ? [...rows, ...values].sort((a, b) => a.row - b.row || a.line - b.line) : rows;
  }

  valuesOf(call) {
    const found = [];
    for (const [i, [, columns]] of Object.entries(call.lines)) {
      let sample = Infinity;
      for (const column of columns) {
        const k = column.findIndex((s) => this.samples.has(s));
        if (k >= 0) sample = Math.min(sample, k);
      }
      if (sample < Infinity) found.push({ row: call.target.lines[i].span[0], line: Number(i), sample });
    }
    const ofCall = [...call.arguments.map(([, s]) => s), call.returned, call.raised, ...call.yielded];
    if (ofCall.some((s) => s !== null && this.samples.has(s)) && !found.length) found.push({ row: 0, line: -1, sample: -1 });
    return found;
  }
}
