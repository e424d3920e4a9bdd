// The tree of calls, and the call that is chosen.

import { $, LongList, act, make } from "./elements.js";
import { ending, signature } from "./parts.js";
import { showSource } from "./source_view.js";
import { current, model, setAnchor, state, steps } from "./state.js";

export const DEEPEST = 12; // deeper calls are not indented further; their depth is a number
let treeRows = null; // null: must be made again, as a call was opened or closed

const tree = new LongList($("tree"), (k) => {
  const { call: index, depth, place, siblings } = treeRows[k];
  const call = model.calls[index];
  const outcome = call.outcome();
  const children = model.children[index].length;
  const matches = state.search?.counts[index] ?? 0;
  const row = make("div", {
    class: `row call ${outcome.kind}${state.search && !matches ? " faint" : ""}`,
    role: "treeitem",
    id: `call-${index}`,
    "aria-level": depth + 1,
    "aria-posinset": place,
    "aria-setsize": siblings,
    "aria-selected": index === state.call,
    "aria-expanded": children ? !state.closed.has(index) : null,
    title: `${call.signature()} ${outcome.text}`,
  });
  const twist = make("span", { class: "twist", "aria-hidden": "true" }, children ? (state.closed.has(index) ? "▸" : "▾") : "");
  row.style.setProperty("--depth", Math.min(depth, DEEPEST));
  row.append(twist);
  if (depth > DEEPEST) row.append(make("span", { class: "depth" }, `${depth} `));
  const [sign, ...rest] = ending(outcome, 40);
  row.append(...(outcome.kind === "raised" ? [sign, ...signature(call, 32), ...rest] : [...signature(call, 32), sign, ...rest]));
  const parent = call.parent === null ? null : model.calls[call.parent];
  if (model.runners.size > 1 && parent?.runner() !== call.runner()) row.append(make("span", { class: "badge" }, call.runner()));
  if (matches) row.append(make("span", { class: "badge match" }, String(matches)));
  row.addEventListener("click", (event) => (event.target === twist ? toggle(index) : chooseCall(index)));
  return row;
});

export function showTree() {
  treeRows ??= model.tree(state.closed);
  tree.count = treeRows.length;
  tree.show();
  $("tree").setAttribute("aria-activedescendant", `call-${state.call}`);
}

function toggle(index, close = !state.closed.has(index)) {
  if (!model.children[index].length) return;
  if (close) state.closed.add(index);
  else state.closed.delete(index);
  treeRows = null;
  showTree();
}

export function chooseCall(index, { reveal = true } = {}) {
  const before = current();
  state.call = index;
  const call = current();
  for (let around = call.parent; around !== null; around = model.calls[around].parent) {
    if (state.closed.delete(around)) treeRows = null;
  }
  if (!before || before.target !== call.target || state.line < 0) state.line = firstLine(call);
  setAnchor(call.anchorOf(state.line, call.anchors().find((i) => call.isLoop(i)) ?? -1));
  // A line that raised did so at its last hit.
  if (state.line === call.ended && call.raised !== null) state.step = Math.max(steps() - 1, 0);
  showTree();
  if (reveal) tree.reveal(treeRows.findIndex((row) => row.call === index));
  showCall();
  showSource({ reveal: true });
}

/** The line that is chosen first in a call: the one that raised, or else the first one that was hit. */
function firstLine(call) {
  if (call.raised !== null && call.ended !== null) return call.ended;
  const hit = Object.keys(call.lines).map(Number);
  return hit.find((i) => call.target.lines[i].names.length) ?? hit[0] ?? (call.target.lines.length ? 0 : -1);
}

function showCall() {
  const call = current();
  const outcome = call.outcome();
  $("call-heading").replaceChildren(...signature(call, 300), ...ending(outcome, 300));
  const facts = [`${call.target.file}:${call.target.lineno}`];
  if (call.seconds !== null) facts.push(duration(call.seconds));
  if (call.runner() && model.runners.size > 1) facts.push(call.runner());
  if (call.yielded.length) facts.push(`yielded ${call.yielded.map((s) => model.samples[s][1]).join(", ")}${call.moreYielded ? ", …" : ""}`);
  $("call-facts").textContent = facts.join(" · ");
  $("stack").hidden = !call.stack;
  $("stack").lastElementChild.textContent = call.stack;
}

function duration(seconds) {
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${(seconds * 1e6).toPrecision(3)} µs`;
}

export function treeKey(event) {
  const at = treeRows.findIndex((row) => row.call === state.call);
  const go = (k) => chooseCall(treeRows[Math.min(Math.max(k, 0), treeRows.length - 1)].call);
  const call = current();
  const actions = {
    ArrowDown: () => go(at + 1),
    ArrowUp: () => go(at - 1),
    Home: () => go(0),
    End: () => go(treeRows.length - 1),
    PageDown: () => go(at + tree.screen),
    PageUp: () => go(at - tree.screen),
    ArrowRight: () => (state.closed.has(call.index) ? toggle(call.index, false) : model.children[call.index].length && go(at + 1)),
    ArrowLeft: () => {
      if (model.children[call.index].length && !state.closed.has(call.index)) toggle(call.index, true);
      else if (call.parent !== null) chooseCall(call.parent);
    },
    Enter: () => $("source").focus(),
  };
  act(event, actions);
}
