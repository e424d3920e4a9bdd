// What the data says, without a look at the page: targets, calls, loops, steps and matches.

const HEADERS = new Set(["if", "for", "while", "with", "try", "except", "match", "case", "def", "class"]);

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
    this.findSuites();
    this.mostStarting = this.startingAt.reduce((most, lines) => Math.max(most, lines.length), 1);
  }

  isExpression(i) {
    return this.lines[i].kind === "comprehension" || this.lines[i].kind === "lambda";
  }

  /**
   * For each line the suite that it is in: {owner, part, lines}. The owner is the line of the header, or -1; an `else`
   * or `finally`, which is no line, begins a new part. An expression is in the suite of its statement.
   */
  findSuites() {
    const whole = { owner: -1, part: 0, lines: [] };
    const open = [whole];
    this.suites = [];
    this.lines.forEach(({ kind, span: [row, column] }, i) => {
      if (this.isExpression(i)) {
        this.suites.push(this.suites.at(-1) ?? whole);
        return;
      }
      while (open.length > 1 && this.isBehind(row, column, open.at(-1).owner)) open.pop();
      const { owner, lines, part } = open.at(-1);
      const from = lines.length ? this.lines[lines.at(-1)].span[2] : row;
      if (owner >= 0 && this.hasElse(from, row, this.lines[owner].span[1])) {
        open[open.length - 1] = { owner, part: part + 1, lines: [] };
      }
      open.at(-1).lines.push(i);
      this.suites.push(open.at(-1));
      if (HEADERS.has(kind)) open.push({ owner: i, part: 0, lines: [] });
    });
  }

  /** Whether a statement is behind the block of a header. */
  isBehind(row, column, header) {
    const [headerRow, headerColumn] = this.lines[header].span;
    return row > headerRow && column <= headerColumn;
  }

  /** Whether there is an `else` or `finally` in a column, in one of the rows behind `from`, up to `to`. */
  hasElse(from, to, column) {
    for (let row = from + 1; row <= to; row++) {
      if (/^(else|finally)\b/.test(this.rows[row].slice(column)) && !this.rows[row].slice(0, column).trim()) return true;
    }
    return false;
  }

  /** The lines in the block of a loop; its `else` is none of it. */
  block(loop) {
    this.blocks ??= new Map();
    if (!this.blocks.has(loop)) this.blocks.set(loop, this.lines.map((_, i) => i).filter((i) => this.isWithin(i, loop)));
    return this.blocks.get(loop);
  }

  isWithin(i, loop) {
    let suite = this.suites[i];
    while (suite.owner > loop) suite = this.suites[suite.owner];
    return suite.owner === loop && suite.part === 0;
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
    this.made = new Map();
  }

  hits(i) {
    return this.lines[i]?.[0] ?? 0;
  }

  /** The samples of a line, `[name, samples]` each, those with short texts first: they are read at a glance. */
  columns(i) {
    const line = this.lines[i];
    if (!line) return [];
    if (!this.made.has(i)) {
      const columns = this.target.lines[i].names.map((name, k) => [name, line[1][k].map((s) => this.model.samples[s])]);
      const length = ([, samples]) => samples.reduce((most, [, text]) => Math.max(most, text.length), 0);
      const order = new Map(columns.map((column) => [column, length(column) > 16 ? length(column) : 0]));
      this.made.set(i, columns.sort((a, b) => order.get(a) - order.get(b)));
    }
    return this.made.get(i);
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

  /** The loops, comprehensions and lambdas that can be stepped through: those with several samples. */
  anchors() {
    return Object.keys(this.lines).map(Number).filter((i) => this.sampled(i) > 1 && (this.isLoop(i) || this.target.isExpression(i)));
  }

  /** What is stepped through when line `i` is chosen: itself, if it is a loop, or the loop around it, or `otherwise`. */
  anchorOf(i, otherwise) {
    if (this.sampled(i) > 1 && (this.isLoop(i) || this.target.isExpression(i))) return i;
    const loop = this.loopAround(i);
    if (loop >= 0) return loop;
    return this.sampled(i) > 1 ? i : otherwise;
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
      if (this.isLoop(loop) && this.sampled(loop) > 1 && this.target.isWithin(i, loop)) return loop;
    }
    return -1;
  }

  /** Whether a line is in the block of the anchor, if that is a loop. */
  inStep(i, anchor) {
    return this.isLoop(anchor) && this.target.isWithin(i, anchor);
  }

  /** For each sample of a line in a loop the step of the loop that it belongs to; undefined where that is not known. */
  mapping(i, loop) {
    if (!this.mappings.has(loop)) this.mappings.set(loop, new Mapping(this, loop).found);
    return this.mappings.get(loop).get(i);
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

/**
 * Which samples of the lines in a loop belong to which of its steps. The data has no order across lines; what follows
 * from counts and values is found here, and nothing is guessed:
 * - the first statement of the loop is hit once at each step, but for those that only end the loop;
 * - of two statements of a suite, the later one is hit only where the earlier one was: if both have the same number
 *   of hits, these are at the same steps;
 * - a name that has another value at each step, and is not bound any more behind, tells the step by its value;
 * - the hits of a block are some of its header's, in order: values that they share may leave only one way to be so.
 */
class Mapping {
  constructor(call, loop) {
    this.call = call;
    this.loop = loop;
    this.found = new Map();
    this.block = call.target.block(loop).filter((i) => call.sampled(i));
    this.known = new Map(); // by name, the step of each value
    this.first = this.firstStatement();
    this.ends = this.findEnds();
    this.turns = identity(call.sampled(loop)).filter((k) => !this.ends?.has(k)); // the hits that its block ran after
    this.learn(loop, this.turns);
    this.start();
    let before;
    do {
      before = this.found.size;
      for (const i of this.block) if (!this.found.has(i)) this.find(i);
    } while (this.found.size > before);
  }

  /** The statement that is hit once at each turn of the loop, or -1. A `try:` may go without hits. */
  firstStatement() {
    const { target } = this.call;
    const first = this.block.find((i) => !target.isExpression(i)) ?? -1;
    if (first < 0 || this.call.isLoop(first)) return -1;
    let { owner, part } = target.suites[first];
    while (owner > this.loop && target.lines[owner].kind === "try" && part === 0) ({ owner, part } = target.suites[owner]);
    return owner === this.loop ? first : -1;
  }

  /** The hits of the loop that only ended it; null where they are not known. */
  findEnds() {
    const { call, loop } = this;
    const hits = call.hits(loop);
    const extra = this.first < 0 ? -1 : hits - call.hits(this.first);
    if (extra === 0) return new Set();
    if (call.sampled(loop) < hits) return null;
    if (!this.isEnteredAgain()) return extra === 1 || this.isExhausted() ? new Set([hits - 1]) : null;
    const repeated = call.target.lines[loop].kind === "for" ? this.repeatedItems() : null;
    return repeated?.size === extra ? repeated : null;
  }

  /** Whether the loop may have been entered several times: it is in another one, or in a function of its own. */
  isEnteredAgain() {
    const { lines, suites } = this.call.target;
    for (let { owner } = suites[this.loop]; owner >= 0; ({ owner } = suites[owner])) {
      if (["def", "class"].includes(lines[owner].kind) || (this.call.isLoop(owner) && this.call.hits(owner) > 1)) return true;
    }
    return false;
  }

  /** Whether a loop that was entered once surely ran to its end. */
  isExhausted() {
    const { ended, target } = this.call;
    if (ended === null || ended === this.loop || target.isWithin(ended, this.loop)) return false;
    return !target.block(this.loop).some((i) => target.lines[i].text.trimEnd() === "break");
  }

  /** The hits at which a `for` has the values of the one before, as it has when its items are used up. */
  repeatedItems() {
    const line = this.call.target.lines[this.loop];
    const bound = this.call.columns(this.loop).filter(([name]) => mayBind(line, name));
    if (!bound.length || bound.some(([name]) => this.isBoundBehind(name, this.loop))) return null;
    const isRepeated = (k) => bound.every(([, samples]) => samples[k] === (k ? samples[k - 1] : samples[k]) && (k || isAbsent(samples[k])));
    return new Set(identity(this.call.sampled(this.loop)).filter(isRepeated));
  }

  start() {
    const { call, first } = this;
    if (first < 0 || !this.ends || this.turns.length < call.sampled(first)) return;
    this.add(first, this.turns.slice(0, call.sampled(first)));
  }

  add(i, steps) {
    this.found.set(i, steps);
    if (this.ends && steps.length === this.turns.length) this.learn(i, steps); // else it may be of an older turn
  }

  find(i) {
    const steps = this.bySuite(i) ?? this.byValue(i) ?? this.byOrder(i);
    if (steps) this.add(i, steps);
  }

  bySuite(i) {
    if (this.call.target.isExpression(i)) return undefined;
    const same = (other) => this.found.has(other) && this.call.hits(other) === this.call.hits(i);
    const other = this.call.target.suites[i].lines.find(same);
    return other === undefined ? undefined : this.found.get(other).slice(0, this.call.sampled(i));
  }

  byValue(i) {
    for (const [name, samples] of this.call.columns(i)) {
      const numbers = this.known.get(name);
      if (numbers && i > numbers.line && samples.every((sample) => numbers.steps.has(sample))) {
        return samples.map((sample) => numbers.steps.get(sample));
      }
    }
    return undefined;
  }

  byOrder(i) {
    const { target } = this.call;
    const { owner } = target.suites[i];
    const steps = this.found.get(owner);
    if (!steps || steps.length < this.call.hits(owner) || this.call.isLoop(owner) || target.isExpression(i)) return undefined;
    const own = new Map(this.call.columns(i));
    const between = Array.from({ length: i - owner }, (_, k) => target.lines[owner + 1 + k]);
    const shared = this.call.columns(owner).filter(([name]) => own.has(name) && !between.some((line) => mayBind(line, name)));
    if (!shared.length) return undefined;
    const same = (k, hit) => shared.every(([name, samples]) => samples[hit] === own.get(name)[k]);
    const places = onlyWay(this.call.sampled(i), steps.length, same);
    return places?.map((hit) => steps[hit]);
  }

  /** Take the names of a line whose values tell the steps: those that have another one at each; `hits`: their steps. */
  learn(line, hits) {
    for (const [name, all] of this.call.columns(line)) {
      const samples = line === this.loop ? hits.map((k) => all[k]) : all;
      const steps = new Map(samples.map((sample, k) => [sample, hits[k]]));
      if (samples.length < 2 || steps.size < samples.length || this.known.has(name) || this.isBoundBehind(name, line)) continue;
      this.known.set(name, { line, steps });
    }
  }

  isBoundBehind(name, line) {
    const { target } = this.call;
    return target.block(this.loop).some((i) => i > line && target.lines[i].names.includes(name) && mayBind(target.lines[i], name));
  }
}

/** Where `count` things stand in order among `all`, if there is one way only; `same(k, place)`: thing k may stand there. */
function onlyWay(count, all, same) {
  const early = [];
  for (let place = 0; place < all && early.length < count; place++) if (same(early.length, place)) early.push(place);
  if (early.length < count) return undefined;
  let late = all;
  for (let k = count - 1; k >= 0; k--) {
    do late--;
    while (!same(k, late));
    if (late !== early[k]) return undefined;
  }
  return early;
}

const identity = (length) => Array.from({ length }, (_, k) => k);

// The part of a line's text in which names may be bound, by the line's kind; rather too much of it than too little.
const BINDING = {
  for: (text) => text.split(/\sin\s/)[0],
  with: (text) => text.split(/\sas\s/).slice(1).join(" "),
  except: (text) => text.split(/\sas\s/).slice(1).join(" "),
  case: (text) => text,
  def: (text) => text.split("(")[0],
  class: (text) => text.split(/[(:]/)[0],
  comprehension: (text) => (text.match(/\bfor\s[^]*?\sin\s/g) ?? []).join(" "),
  lambda: (text) => text.split(":")[0],
  statement: (text) => (/^(del|import|from|global|nonlocal)\b/.test(text) ? text : assigned(text)),
};

/** What stands before the last assignment, without the names in subscripts, those of calls, and of objects with a dot. */
function assigned(text) {
  const end = text.replace(/[=!<>]=/g, "  ").lastIndexOf("=") + 1;
  let targets = text.slice(0, end);
  for (let before = ""; before !== targets; ) {
    before = targets;
    targets = targets.replace(/(?<=[\p{L}\p{N}_\])])\[[^[\]]*\]/u, "");
  }
  return targets.replace(/[\p{L}\p{N}_]+(?=[.(])/gu, "");
}

/** Whether a line may give a name a value. */
function mayBind({ kind, text }, name) {
  if (!/^[\p{L}\p{N}_]+$/u.test(name)) return true;
  const part = `${BINDING[kind]?.(text) ?? ""} ${text.slice(0, text.lastIndexOf(":=") + 1)}`;
  return new RegExp(`(?<![\\p{L}\\p{N}_.])${name}(?![\\p{L}\\p{N}_])`, "u").test(part);
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

  /** The same, kept for the call that was asked for last. */
  in(call) {
    if (this.last?.call !== call) this.last = { call, found: this.of(call) };
    return this.last.found;
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

/** Whether a name had no value. */
function isAbsent([type, text]) {
  return type === "NameError" && text === "<unavailable>";
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
