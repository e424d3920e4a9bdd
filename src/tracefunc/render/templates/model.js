// What the data says, without a look at the page: targets, calls, loops, steps and matches.

/** The function that was traced: its source, and where its lines stand in it. */
class Target {
  constructor(plain) {
    Object.assign(this, plain);
    this.atRow = this.rows.map(() => []); // the lines that each row shows, outer ones first
    this.startingAt = this.rows.map(() => []);
    this.lines.forEach((line, i) => {
      const [first, , last] = line.span;
      this.startingAt[first].push(i);
      for (let row = first; row <= last; row++) this.atRow[row].push(i);
    });
    this.mostStarting = this.startingAt.reduce((most, lines) => Math.max(most, lines.length), 1);
  }

  isExpression(i) {
    return this.lines[i].kind === "comprehension" || this.lines[i].kind === "lambda";
  }

  /** The first line behind the block of line `i`; the block ends at a statement that is not indented more. */
  endOfBlock(i) {
    const [row, column] = this.lines[i].span;
    for (let next = i + 1; next < this.lines.length; next++) {
      if (this.isExpression(next)) continue;
      const [nextRow, nextColumn] = this.lines[next].span;
      if (nextRow > row && nextColumn <= column) return next;
    }
    return this.lines.length;
  }

  /** The innermost line that holds a position of a row, or -1. */
  lineAt(row, position) {
    return this.atRow[row].findLast((i) => covers(this.lines[i].span, row, position)) ?? -1;
  }
}

function covers([first, start, last, end], row, position) {
  return (row > first || position >= start) && (row < last || position < end);
}

/** One recorded call. */
class Call {
  constructor(plain, index, model) {
    Object.assign(this, plain);
    this.index = index;
    this.model = model;
    this.target = model.targets[plain.target];
    this.mostHits = Object.values(this.lines).reduce((most, [hits]) => Math.max(most, hits), 1);
    this.mappings = new Map();
  }

  hits(i) {
    return this.lines[i]?.[0] ?? 0;
  }

  /** The samples of a line, `[name, samples]` each. */
  columns(i) {
    const line = this.lines[i];
    return line ? this.target.lines[i].names.map((name, k) => [name, line[1][k].map((s) => this.model.samples[s])]) : [];
  }

  /** How many samples a line has; one without names has as many as it has hits, or as any other line keeps. */
  sampled(i) {
    const line = this.lines[i];
    if (!line) return 0;
    return line[1].length ? line[1][0].length : Math.min(line[0], this.mostSampled());
  }

  mostSampled() {
    this.most ??= Object.values(this.lines).reduce((most, [, columns]) => Math.max(most, columns[0]?.length ?? 0), 1);
    return this.most;
  }

  /** The lines that can be stepped through: those with several samples. */
  anchors() {
    return Object.keys(this.lines).map(Number).filter((i) => this.sampled(i) > 1);
  }

  /** The innermost loop with several samples around line `i`, or that line itself, or -1. */
  anchorOf(i) {
    if (this.sampled(i) > 1 && (this.isLoop(i) || this.target.isExpression(i))) return i;
    const loop = this.loopAround(i);
    if (loop >= 0) return loop;
    return this.sampled(i) > 1 ? i : -1;
  }

  isLoop(i) {
    return this.target.lines[i].kind === "for" || this.target.lines[i].kind === "while";
  }

  /**
   * Which sample line `i` shows at a step of the line `anchor`: {sample, how}.
   * how: "same" (known to be of that step), "other" (of which step cannot be told), "none" (not hit at that step),
   * "lost" (perhaps hit, but no sample was kept), "apart" (not in what is stepped through: its last one).
   */
  at(i, anchor, step) {
    const count = this.sampled(i);
    if (count === 0) return { sample: -1, how: "none" };
    if (i === anchor) return { sample: Math.min(step, count - 1), how: "same" };
    if (anchor < 0) return { sample: count - 1, how: "apart" };
    if (!this.inStep(i, anchor)) return this.around(i, anchor, step);
    const mapping = this.mapping(i, anchor);
    if (!mapping) return { sample: Math.min(step, count - 1), how: "other" };
    const sample = mapping.lastIndexOf(step);
    if (sample >= 0) return { sample, how: "same" };
    return { sample, how: count < this.hits(i) && step > mapping.at(-1) ? "lost" : "none" };
  }

  /** The same for a line outside the anchor's block: the loop around both tells, if it is known at which step it is. */
  around(i, anchor, step) {
    const outer = this.loopAround(anchor);
    if (outer < 0) return { sample: this.sampled(i) - 1, how: "apart" };
    const outerStep = this.mapping(anchor, outer)?.[step];
    if (outerStep !== undefined) return this.at(i, outer, outerStep);
    const both = i === outer || this.inStep(i, outer);
    return both ? { sample: this.sampled(i) - 1, how: "other" } : this.around(i, outer, 0);
  }

  /** The innermost loop with several samples around a line, or -1. */
  loopAround(i) {
    for (let loop = i - 1; loop >= 0; loop--) {
      if (this.isLoop(loop) && this.sampled(loop) > 1 && this.target.endOfBlock(loop) > i) return loop;
    }
    return -1;
  }

  /** Whether a line is in the block of the anchor, if that is a loop. */
  inStep(i, anchor) {
    return i > anchor && this.isLoop(anchor) && i < this.target.endOfBlock(anchor);
  }

  /** For each sample of a line in a loop the step of the loop that it belongs to; null where that is not known. */
  mapping(i, anchor) {
    const key = i + " " + anchor;
    if (!this.mappings.has(key)) this.mappings.set(key, this.byValue(i, anchor) ?? this.byCount(i, anchor));
    return this.mappings.get(key);
  }

  /** By a name that has another value at each step, and holds none but those within the loop. */
  byValue(i, anchor) {
    for (const [name, steps] of this.columns(anchor)) {
      const numbers = new Map(steps.map((sample, step) => [sample, step]));
      const last = steps.length - 1; // the loop's end repeats the last value
      if (last > 0 && steps[last] === steps[last - 1]) numbers.set(steps[last], last - 1);
      if (numbers.size < Math.max(2, steps.length - 1)) continue;
      if (!this.keeps(name, anchor, numbers)) continue;
      const own = this.columns(i).find(([other]) => other === name);
      if (own) return own[1].map((sample) => numbers.get(sample));
    }
    return null;
  }

  keeps(name, anchor, numbers) {
    const end = this.target.endOfBlock(anchor);
    for (let i = anchor + 1; i < end; i++) {
      const column = this.columns(i).find(([other]) => other === name);
      if (column && !column[1].every((sample) => numbers.has(sample))) return false;
    }
    return true;
  }

  /** By its number of hits: as many as the loop's, or one less, as the last step of a loop only ends it. */
  byCount(i, anchor) {
    const loop = this.hits(anchor);
    const own = this.hits(i);
    const whole = this.sampled(anchor) === loop; // else it is not known which hits the samples are of
    if (own === loop || (own === loop - 1 && whole)) return Array.from({ length: this.sampled(i) }, (_, k) => k);
    return null;
  }

  /** Who ran it: its thread, and its task where it had one. */
  runner() {
    return [this.thread, this.task].filter(Boolean).join(" / ");
  }

  signature() {
    const given = this.arguments.map(([name, sample]) => `${name}=${this.model.samples[sample][1]}`);
    return `${this.target.function}(${given.join(", ")})`;
  }

  outcome() {
    if (this.raised !== null) return { kind: "raised", text: this.model.samples[this.raised][1] };
    if (this.returned !== null) return { kind: "returned", text: this.model.samples[this.returned][1] };
    return { kind: "unended", text: this.seconds === null ? "not ended" : "" };
  }
}

/** All of the data. */
class Model {
  constructor(data) {
    Object.assign(this, data);
    this.targets = data.targets.map((target) => new Target(target));
    this.calls = data.calls.map((call, i) => new Call(call, i, this));
    this.children = this.calls.map(() => []);
    this.roots = [];
    this.calls.forEach((call) => (call.parent === null ? this.roots : this.children[call.parent]).push(call.index));
    this.runners = new Set(this.calls.map((call) => call.runner()));
  }

  /** The calls of the tree that are to be seen, with their depths, when some are closed. */
  tree(closed) {
    const rows = [];
    const waiting = this.roots.map((call, i) => [call, 0, i + 1, this.roots.length]).reverse();
    while (waiting.length) {
      const [call, depth, place, siblings] = waiting.pop();
      rows.push({ call, depth, place, siblings });
      if (closed.has(call)) continue;
      const children = this.children[call];
      for (let k = children.length - 1; k >= 0; k--) waiting.push([children[k], depth + 1, k + 1, children.length]);
    }
    return rows;
  }

  search(query) {
    return new Search(this, query.trim().toLowerCase());
  }
}

/** Where a text is found: rows of source, and samples of lines, call by call. */
class Search {
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

  /** The matches of a call in the order of the source: {row, line, sample}, where the latter two may be -1. */
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
    const own = [...call.arguments.map(([, s]) => s), call.returned, call.raised, ...call.yielded];
    if (own.some((s) => s !== null && this.samples.has(s)) && !found.length) found.push({ row: 0, line: -1, sample: -1 });
    return found;
  }
}

/** Functions, classes and modules: rarely what one looks for. */
function isCode([type]) {
  return /^(function|builtin_function_or_method|method|type|ABCMeta|EnumType|module|method_descriptor|wrapper_descriptor)$/.test(type);
}

/** The number that a sample is, or null. */
function numberOf([type, text]) {
  if (type === "bool") return text === "True" ? 1 : 0;
  if (!/^(int|float|int\d+|uint\d+|float\d+|Decimal)$/.test(type)) return null;
  const [, digits] = /^(?:[\w.]+\(')?(?:[\w.]+\()?([-+]?[\d.]+(?:e[-+]?\d+)?)'?\)*$/i.exec(text) ?? [];
  return digits === undefined || !Number.isFinite(Number(digits)) ? null : Number(digits);
}
