// Which samples of the lines in a loop belong to which step of the loop.

import { isAbsent } from "./samples.js";

/**
 * Which samples of the lines in a loop belong to which step of the loop. The data has no order across lines, so the
 * steps are derived from counts and values, and nothing is guessed:
 * - the first statement of the loop is hit once at each step, except for steps that only end the loop;
 * - of two statements of a suite, the later one is hit only where the earlier one was: if both have the same number
 *   of hits, these are at the same steps;
 * - a name that has another value at each step, and is not bound again further down, identifies the step;
 * - the hits of a block are some of its header's, in order: the values of common names may leave only one such choice.
 */
export class Mapping {
  constructor(call, loop) {
    this.call = call;
    this.loop = loop;
    this.found = new Map();
    this.block = call.target.block(loop).filter((i) => call.sampled(i));
    this.known = new Map(); // by name, the step of each value
    this.first = this.firstStatement();
    this.ends = this.findEnds();
    this.turns = identity(call.sampled(loop)).filter((k) => !this.ends?.has(k)); // the hits of the loop after which its block ran
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

  /** The hits that only ended the loop; null where they are not known. */
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

  /** Whether the loop may have been entered several times: it is in another loop, or in an inner function or class. */
  isEnteredAgain() {
    const { lines, suites } = this.call.target;
    for (let { owner } = suites[this.loop]; owner >= 0; ({ owner } = suites[owner])) {
      if (["def", "class"].includes(lines[owner].kind) || (this.call.isLoop(owner) && this.call.hits(owner) > 1)) return true;
    }
    return false;
  }

  /** Whether a loop that was entered once certainly ran to its end. */
  isExhausted() {
    const { ended, target } = this.call;
    if (ended === null || ended === this.loop || target.isWithin(ended, this.loop)) return false;
    return !target.block(this.loop).some((i) => target.lines[i].text.trimEnd() === "break");
  }

  /** The hits at which a `for` has the values of the hit before, as when its items are used up. */
  repeatedItems() {
    const line = this.call.target.lines[this.loop];
    const bound = this.call.columns(this.loop).filter(([name]) => mayBind(line, name));
    if (!bound.length || bound.some(([name]) => this.isBoundFurtherDown(name, this.loop))) return null;
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
    if (this.ends && steps.length === this.turns.length) this.learn(i, steps); // else a value may be from an earlier turn
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
    const inner = new Map(this.call.columns(i));
    const between = Array.from({ length: i - owner }, (_, k) => target.lines[owner + 1 + k]);
    const shared = this.call.columns(owner).filter(([name]) => inner.has(name) && !between.some((line) => mayBind(line, name)));
    if (!shared.length) return undefined;
    const same = (k, hit) => shared.every(([name, samples]) => samples[hit] === inner.get(name)[k]);
    const places = onlyWay(this.call.sampled(i), steps.length, same);
    return places?.map((hit) => steps[hit]);
  }

  /** Learn from the names of a line that have another value at each step; `hits`: the steps of their samples. */
  learn(line, hits) {
    for (const [name, all] of this.call.columns(line)) {
      const samples = line === this.loop ? hits.map((k) => all[k]) : all;
      const steps = new Map(samples.map((sample, k) => [sample, hits[k]]));
      if (samples.length < 2 || steps.size < samples.length || this.known.has(name) || this.isBoundFurtherDown(name, line)) continue;
      this.known.set(name, { line, steps });
    }
  }

  isBoundFurtherDown(name, line) {
    const { target } = this.call;
    return target.block(this.loop).some((i) => i > line && target.lines[i].names.includes(name) && mayBind(target.lines[i], name));
  }
}

/** The places of `count` things, in order, among `all`, if there is only one way; `same(k, place)`: thing k may be there. */
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

// The part of a line's text in which names may be bound, by the line's kind: too much of it rather than too little.
const BINDING = {
  for: (text) => text.split(/\sin\s/)[0],
  with: (text) => text.split(/\sas\s/).slice(1).join(" "),
  except: (text) => text.split(/\sas\s/).slice(1).join(" "),
  case: (text) => text,
  def: (text) => text.split("(")[0],
  class: (text) => text.split(/[(:]/)[0],
  comprehension: (text) => (text.match(/\bfor\s[\s\S]*?\sin\s/g) ?? []).join(" "),
  lambda: (text) => text.split(":")[0],
  statement: (text) => (/^(del|import|from|global|nonlocal)\b/.test(text) ? text : assigned(text)),
};

/** The text before the last assignment, without names in subscripts, of calls, and of objects with attributes. */
function assigned(text) {
  const end = text.replace(/[=!<>]=/g, "  ").lastIndexOf("=") + 1;
  let targets = text.slice(0, end);
  for (let before = ""; before !== targets; ) {
    before = targets;
    targets = targets.replace(/(?<=[\p{L}\p{N}_\])])\[[^[\]]*\]/u, "");
  }
  return targets.replace(/[\p{L}\p{N}_]+(?=[.(])/gu, "");
}

/** Whether a line may bind a name to a value. */
function mayBind({ kind, text }, name) {
  if (!/^[\p{L}\p{N}_]+$/u.test(name)) return true;
  const part = `${BINDING[kind]?.(text) ?? ""} ${text.slice(0, text.lastIndexOf(":=") + 1)}`;
  return new RegExp(`(?<![\\p{L}\\p{N}_.])${name}(?![\\p{L}\\p{N}_])`, "u").test(part);
}
