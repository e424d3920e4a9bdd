// The source of a call, with the hits and values of its lines.

import { $, LongList, act, cut, make, plural } from "./elements.js";
import { showLine } from "./line_view.js";
import { covers } from "./model.js";
import { ending, marked } from "./parts.js";
import { isAbsent } from "./samples.js";
import { current, setAnchor, state, steps } from "./state.js";
import { showStepper } from "./stepper.js";

export const source = new LongList($("source"), (k) => sourceRow(current(), k));

export function sourceRow(call, k) {
  const { target } = call;
  const starting = target.startingAt[k];
  const hits = target.atRow[k].reduce((most, i) => Math.max(most, call.hits(i)), 0);
  const traced = target.atRow[k].length > 0;
  const row = make("div", { class: "row line", role: "presentation", "data-row": k });
  const mayHaveRun = target.atRow[k].every((i) => target.lines[i].mayRunWithoutHits);
  if (traced && !hits && !mayHaveRun) row.classList.add("unhit");
  if (target.atRow[k].includes(state.line)) row.classList.add("chosen");
  if (state.matched?.has(k)) row.classList.add("matched");
  const gutter = make("span", { class: "gutter", role: "presentation" }, ...starting.map((i) => chip(call, i)));
  const number = make("span", { class: "number", "aria-hidden": "true" }, String(target.lineno + k));
  row.append(number, gutter, code(target, k), ...values(call, starting));
  if (call.ended !== null && target.lines[call.ended].span[0] === k) {
    row.classList.add(call.outcome().kind);
    row.append(make("span", { class: "outcome" }, ...ending(call.outcome(), 200)));
  }
  return row;
}

/** A line's hits; the keys choose among these elements, and screen readers read them out. */
function chip(call, i) {
  const hits = call.hits(i);
  const raised = call.raised !== null && call.ended === i;
  const { span, text } = call.target.lines[i];
  const words = [`${call.target.lineno + span[0]}: ${text}`, plural(hits, "hit")];
  if (raised) words.push(`raised ${call.outcome().text}`);
  words.push(...shown(call, i).map(([name, sample]) => `${name} = ${sample[1]}`));
  const element = make("span", {
    class: `chip heat-${heat(hits, call.mostHits)}${raised ? " raised" : ""}`,
    role: "option",
    id: `line-${i}`,
    "data-line": i,
    "aria-selected": i === state.line,
    "aria-posinset": i + 1,
    "aria-setsize": call.target.lines.length,
    "aria-label": words.join(", "),
    title: `${text}\n${plural(hits, "hit")}`,
  }, brief(hits));
  return element;
}

const brief = (hits) => (hits < 1e4 ? String(hits) : hits < 1e6 ? `${Math.floor(hits / 1e3)}k` : `${Math.floor(hits / 1e6)}M`);

/** From 0 (no hits) to 6 (as many as the line that was hit most), on a logarithmic scale. */
function heat(hits, most) {
  return hits === 0 ? 0 : most === 1 ? 1 : 1 + Math.round((5 * Math.log(hits)) / Math.log(most));
}

/** A row of source in colours, also cut where lines begin and end, so that each line can be clicked. */
function code(target, k) {
  const element = make("code", { class: "code" });
  const text = target.rows[k];
  const tokens = target.tokens[k];
  const borders = new Set();
  for (const i of target.atRow[k]) {
    const [first, start, last, end] = target.lines[i].span;
    if (first === k) borders.add(start);
    if (last === k) borders.add(end);
  }
  let position = 0;
  for (let t = 0; t < tokens.length; t += 2) {
    const end = position + tokens[t + 1];
    const cuts = [...borders].filter((border) => border > position && border < end).sort((a, b) => a - b);
    for (const next of [...cuts, end]) {
      const i = target.lineAt(k, position);
      const chosen = state.line >= 0 && target.atRow[k].includes(state.line) && covers(target.lines[state.line].span, k, position);
      const names = [tokens[t], chosen ? "selected" : ""].filter(Boolean).join(" ");
      element.append(make("span", { class: names || null, "data-line": i < 0 ? null : i }, ...marked(text.slice(position, next))));
      position = next;
    }
  }
  if (!tokens.length) element.append("\u200b"); // makes an empty row as high as the others
  return element;
}

/** The samples of a line's names at this step: `[name, sample]` each. */
function shown(call, i) {
  const { sample } = call.at(i, state.anchor, state.step);
  if (sample < 0) return [];
  return call.shownColumns(i, state.builtins).map(([name, samples]) => [name, samples[sample]]).filter(([, s]) => s);
}

function values(call, starting) {
  return starting.filter((i) => call.hits(i)).map((i) => {
    const { sample, how } = call.at(i, state.anchor, state.step);
    const count = call.sampled(i);
    const pairs = shown(call, i);
    const element = make("span", { class: `values ${pairs.length ? how : ""}`, "data-line": i, "aria-hidden": "true", title: explained(how, sample, count) });
    for (const [name, held] of pairs) {
      const [type, text] = held;
      const title = isAbsent(held) ? `${name} has no value` : `${name}: ${type}\n${text}`;
      const value = make("span", { class: "value", title }, ...marked(isAbsent(held) ? "no value" : cut(text, 40)));
      element.append(make("span", { class: "pair" }, make("span", { class: "name" }, name), " = ", value), " ");
    }
    if (how === "other" && pairs.length) element.append(make("span", { class: "which" }, `${sample + 1}/${count}`));
    if (how === "none" || how === "lost") element.append(make("span", { class: "which" }, how === "none" ? "not at this step" : "no sample"));
    return element;
  });
}

function explained(how, sample, count) {
  return {
    same: `sample ${sample + 1} of ${count}`,
    other: `sample ${sample + 1} of ${count}: its step is not known`,
    none: "not hit at this step",
    lost: "no sample was kept of this step",
    apart: count > 1 ? `sample ${sample + 1} of ${count}; not in what is stepped through` : "hit once",
  }[how];
}

export function showSource({ reveal = false } = {}) {
  const call = current();
  source.count = call.target.rows.length;
  source.rows.style.setProperty("--chips", Math.min(call.target.mostStarting, 4));
  state.matched = state.search && new Set(state.search.in(call).map((match) => match.row));
  if (reveal && state.line >= 0) source.reveal(call.target.lines[state.line].span[0]);
  source.show();
  if (state.line >= 0) $("source").setAttribute("aria-activedescendant", `line-${state.line}`);
  else $("source").removeAttribute("aria-activedescendant");
  showStepper();
  showLine();
}

export function setStep(step) {
  const next = Math.min(Math.max(step, 0), steps() - 1);
  if (steps() < 2 || next === state.step) return;
  state.step = next;
  showSource();
}

export function chooseLine(i, { reveal = true } = {}) {
  const call = current();
  if (!call.target.lines[i]) return;
  state.line = i;
  const keeps = state.anchor >= 0 && call.inStep(i, state.anchor) && !(call.isLoop(i) && call.sampled(i) > 1);
  if (!keeps) setAnchor(call.anchorOf(i, state.anchor));
  showSource({ reveal });
}

/** Show a sample of the chosen line: step through that line, if it has several. */
export function chooseSample(k) {
  if (state.anchor !== state.line) setAnchor(current().sampled(state.line) > 1 ? state.line : state.anchor);
  setStep(k);
  showSource();
}

export function sourceKey(event) {
  const call = current();
  const last = call.target.lines.length - 1;
  const go = (i) => chooseLine(Math.min(Math.max(i, 0), last));
  const byRows = (rows) => {
    const wanted = call.target.lines[Math.max(state.line, 0)].span[0] + rows;
    const found = call.target.lines.findIndex((line) => line.span[0] >= wanted);
    go(found < 0 ? last : found);
  };
  act(event, {
    ArrowDown: () => go(state.line + 1),
    ArrowUp: () => go(state.line - 1),
    Home: () => go(0),
    End: () => go(last),
    PageDown: () => byRows(source.screen),
    PageUp: () => byRows(-source.screen),
    ArrowRight: () => setStep(state.step + 1),
    ArrowLeft: () => setStep(state.step - 1),
  });
}
