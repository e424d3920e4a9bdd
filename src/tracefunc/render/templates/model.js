// The trace, apart from the page: targets, calls, and the samples that lines show at a step.

import { Search } from "./search.js";
import { Mapping } from "./steps.js";

const HEADERS = new Set(["if", "for", "while", "with", "try", "except", "match", "case", "def", "class"]);

/** The function that was traced: its source, and where its lines stand in it. */
class Target {
  constructor(plain) {
    Object.assign(this, plain);
    this.atRow = this.rows.map(() => []); // the lines that each row is part of, outer ones first
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
   * Find for each line the suite that it is in: {owner, part, lines}. The owner is the line of the header, or -1; an
   * `else` or `finally`, which is not a line, begins a new part. An expression is in the suite of its statement.
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

  /** Whether a statement comes after the block of a header. */
  isBehind(row, column, header) {
    const [headerRow, headerColumn] = this.lines[header].span;
    return row > headerRow && column <= headerColumn;
  }

  /** Whether an `else` or `finally` begins in a column of one of the rows after `from`, up to `to`. */
  hasElse(from, to, column) {
    for (let row = from + 1; row <= to; row++) {
      if (/^(else|finally)\b/.test(this.rows[row].slice(column)) && !this.rows[row].slice(0, column).trim()) return true;
    }
    return false;
  }

  /** The lines in the block of a loop, without its `else`. */
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

export function covers([first, start, last, end], row, position) {
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

  /** The samples of a line, `[name, samples]` each; those with short texts come first, as they are read at a glance. */
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

  /** The columns that are shown: without names that hold only functions, modules and the like, unless `builtins`. */
  shownColumns(i, builtins) {
    const hidden = this.lines[i]?.[2] ?? [];
    if (builtins || !hidden.length) return this.columns(i);
    const names = new Set(hidden.map((k) => this.target.lines[i].names[k]));
    return this.columns(i).filter(([name]) => !names.has(name));
  }

  /** How many samples a line has; one without names counts its hits, up to the most samples of any other line. */
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

  /** What to step through when line `i` is chosen: the line, if it is a loop, or the loop around it, or `otherwise`. */
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
   * how: "same" (known to be of that step), "other" (of an unknown step), "none" (not hit at that step), "lost"
   * (perhaps hit, but no sample was kept), "apart" (the last sample of a line outside of what is stepped through).
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

  /** The same for a line outside the anchor's block: by the loop around both, if its step is known. */
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

  /** What ran the call: its thread, and its task where it had one. */
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

/** The whole trace. */
export class Model {
  constructor(data) {
    Object.assign(this, data);
    this.targets = data.targets.map((target) => new Target(target));
    this.calls = data.calls.map((call, i) => new Call(call, i, this));
    this.children = this.calls.map(() => []);
    this.roots = [];
    for (const call of this.calls) (call.parent === null ? this.roots : this.children[call.parent]).push(call.index);
    this.runners = new Set(this.calls.map((call) => call.runner()));
  }

  /** The rows of the tree of calls, with their depths, where `closed` calls hide what is below them. */
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
