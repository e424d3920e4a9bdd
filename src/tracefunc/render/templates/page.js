// What is seen and done: one object of state, one function that shows each part of it.

const $ = (id) => document.getElementById(id);
const model = new Model(JSON.parse($("data").textContent));
const state = { call: 0, line: -1, anchor: -1, step: 0, search: null, closed: new Set(), builtins: false };
const current = () => model.calls[state.call];

/** Make an element; texts become text, never markup. Attributes that are null are left out. */
function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, String(value));
  }
  element.append(...content.filter((part) => part !== null));
  return element;
}

function drawing(tag, attributes, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

const cut = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

// --- long lists: only what is on the screen is in the page ------------------------------------------------------

/** A list of rows of one height, of which those on the screen are made. */
class LongList {
  constructor(scroller, makeRow) {
    this.scroller = scroller;
    this.makeRow = makeRow;
    this.count = 0;
    this.rows = make("div", { class: "rows", role: "presentation" });
    this.sizer = make("div", { class: "sizer", role: "presentation" }, this.rows);
    scroller.append(this.sizer);
    this.measure();
    scroller.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => { this.measure(); this.show(); }).observe(scroller);
  }

  measure() {
    const probe = make("div", { class: "row" }, "x");
    this.rows.append(probe);
    this.height = probe.getBoundingClientRect().height || 22;
    probe.remove();
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.show(); });
  }

  show() {
    const screen = Math.ceil(this.scroller.clientHeight / this.height) + 1;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - 8);
    const last = Math.min(this.count, first + screen + 16);
    this.sizer.style.height = `${this.count * this.height}px`;
    this.rows.style.transform = `translateY(${first * this.height}px)`;
    this.rows.replaceChildren(...Array.from({ length: last - first }, (_, k) => this.makeRow(first + k)));
  }

  reveal(row) {
    const top = row * this.height;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop + this.height) this.scroller.scrollTop = top - this.height;
    else if (top > scrollTop + clientHeight - 3 * this.height) this.scroller.scrollTop = top - clientHeight + 3 * this.height;
  }

  get screen() {
    return Math.max(1, Math.floor(this.scroller.clientHeight / this.height) - 1);
  }
}

// --- the calls --------------------------------------------------------------------------------------------------

const DEEPEST = 12; // what is deeper is not indented any more, but numbered
let treeRows = null; // made anew when a call was opened or closed
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

function signature(call, most) {
  const given = call.arguments.map(([name, sample]) => `${name}=${model.samples[sample][1]}`).join(", ");
  return [make("span", { class: "function" }, call.target.function), make("span", { class: "arguments" }, `(${cut(given, most)})`)];
}

function ending(outcome, most) {
  const sign = { raised: "✗", returned: "→", unended: "…" }[outcome.kind];
  const word = { raised: "raised ", returned: "returned ", unended: "" }[outcome.kind];
  return [
    make("span", { class: `sign ${outcome.kind}`, "aria-hidden": "true" }, ` ${sign} `),
    make("span", { class: "unseen" }, ` ${word}`),
    make("span", { class: `value ${outcome.kind}` }, cut(outcome.text, most)),
  ];
}

function showTree() {
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

function chooseCall(index, { reveal = true } = {}) {
  const before = current();
  state.call = index;
  const call = current();
  for (let around = call.parent; around !== null; around = model.calls[around].parent) {
    if (state.closed.delete(around)) treeRows = null;
  }
  if (!before || before.target !== call.target || state.line < 0) state.line = firstLine(call);
  setAnchor(call.anchorOf(state.line, call.anchors().find((i) => call.isLoop(i)) ?? -1));
  // What raised did so at its last hit.
  if (state.line === call.ended && call.raised !== null) state.step = Math.max(steps() - 1, 0);
  showTree();
  if (reveal) tree.reveal(treeRows.findIndex((row) => row.call === index));
  showCall();
  showSource({ reveal: true });
}

/** Where a look at a call begins: where it raised, or else at its first line that was hit. */
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
  if (call.yielded.length) facts.push(`yielded ${call.yielded.map((s) => model.samples[s][1]).join(", ")}`);
  $("call-facts").textContent = facts.join(" · ");
  $("stack").hidden = !call.stack;
  $("stack").lastElementChild.textContent = call.stack;
}

function duration(seconds) {
  if (seconds >= 1) return `${seconds.toPrecision(3)} s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${(seconds * 1e6).toPrecision(3)} µs`;
}

function treeKey(event) {
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

// --- the source -------------------------------------------------------------------------------------------------

const source = new LongList($("source"), (k) => sourceRow(current(), k));

function sourceRow(call, k) {
  const { target } = call;
  const starting = target.startingAt[k];
  const hits = target.atRow[k].reduce((most, i) => Math.max(most, call.hits(i)), 0);
  const traced = target.atRow[k].length > 0;
  const row = make("div", { class: "row line", role: "presentation", "data-row": k });
  const isText = target.atRow[k].every((i) => /^[a-z]*["']/i.test(target.lines[i].text)); // it is no work to skip
  if (traced && !hits && !isText) row.classList.add("unhit");
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

/** A line's hits: what is chosen with the keys, and read out. */
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

/** From 0 (no hits) to 6 (as many as the line that was hit most), by the logarithm. */
function heat(hits, most) {
  return hits === 0 ? 0 : most === 1 ? 1 : 1 + Math.round((5 * Math.log(hits)) / Math.log(most));
}

/** A row of source in colours, cut also where its lines begin and end, so that each can be clicked. */
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
  if (!tokens.length) element.append("\u200b"); // so that an empty row is as high as the others
  return element;
}

/** A text with what is searched for marked in it. */
function marked(text) {
  const query = state.search?.query;
  if (!query) return [text];
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, from)) {
    parts.push(text.slice(from, at), make("mark", {}, text.slice(at, at + query.length)));
    from = at + query.length;
  }
  return [...parts, text.slice(from)];
}

/** What a line's names hold at this step: `[name, sample]` each. */
function shown(call, i) {
  const { sample } = call.at(i, state.anchor, state.step);
  if (sample < 0) return [];
  return call.columns(i).map(([name, samples]) => [name, samples[sample]]).filter(([, s]) => s && (state.builtins || !isCode(s)));
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
    other: `sample ${sample + 1} of ${count}: of which step it is cannot be told`,
    none: "not hit at this step",
    lost: "no sample was kept of this step",
    apart: count > 1 ? `sample ${sample + 1} of ${count}; not in what is stepped through` : "hit once",
  }[how];
}

function showSource({ reveal = false } = {}) {
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

function chooseLine(i, { reveal = true } = {}) {
  const call = current();
  if (!call.target.lines[i]) return;
  state.line = i;
  const keeps = state.anchor >= 0 && call.inStep(i, state.anchor) && !(call.isLoop(i) && call.sampled(i) > 1);
  if (!keeps) setAnchor(call.anchorOf(i, state.anchor));
  showSource({ reveal });
}

function sourceKey(event) {
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

// --- steps ------------------------------------------------------------------------------------------------------

function setAnchor(anchor) {
  if (anchor !== state.anchor) state.step = 0;
  state.anchor = anchor;
  state.step = Math.min(state.step, Math.max(steps() - 1, 0));
}

const steps = () => (state.anchor < 0 ? 0 : current().sampled(state.anchor));

function setStep(step) {
  const next = Math.min(Math.max(step, 0), steps() - 1);
  if (steps() < 2 || next === state.step) return;
  state.step = next;
  showSource();
}

function showStepper() {
  const call = current();
  const count = steps();
  if (state.anchorsOf !== call || !$("anchor").querySelector(`[value="${state.anchor}"]`)) {
    const anchors = call.anchors();
    if (state.anchor >= 0 && !anchors.includes(state.anchor)) anchors.push(state.anchor);
    const options = anchors.map((i) => make("option", { value: i }, anchorText(call, i)));
    $("anchor").replaceChildren(make("option", { value: -1 }, anchors.length ? "nothing" : "nothing here was hit twice"), ...options);
    $("anchor").disabled = !anchors.length;
    state.anchorsOf = call;
  }
  $("anchor").value = String(state.anchor);
  const slider = $("step");
  slider.max = String(Math.max(count, 1));
  slider.value = String(state.step + 1);
  slider.disabled = count < 2;
  $("step-back").disabled = count < 2 || state.step === 0;
  $("step-on").disabled = count < 2 || state.step === count - 1;
  const position = count < 2 ? "" : positionText(call, count);
  slider.setAttribute("aria-valuetext", position || "no steps");
  if ($("position").textContent !== position) $("position").textContent = position;
}

const anchorText = (call, i) => cut(`${call.target.lineno + call.target.lines[i].span[0]}: ${call.target.lines[i].text.trim()}`, 60);

function positionText(call, count) {
  const hits = call.hits(state.anchor);
  const kept = hits > count ? ` (of ${hits.toLocaleString("en")} hits)` : "";
  const changing = call.columns(state.anchor).filter(([, samples]) => samples.some((sample) => sample !== samples[0]));
  const held = changing.slice(0, 2).map(([name, samples]) => `${name} = ${cut(samples[state.step][1], 30)}`);
  return [`${state.step + 1} of ${count}${kept}`, ...held].join(", ");
}

// --- the line ---------------------------------------------------------------------------------------------------

const TABLE_ROWS = 200;

function showLine() {
  const call = current();
  const body = $("line-body");
  if (state.line < 0) {
    body.replaceChildren(make("p", {}, "No line is chosen."));
    return;
  }
  body.replaceChildren(...lineDetails(call, state.line));
}

function lineDetails(call, i) {
  const { text, kind, span } = call.target.lines[i];
  const facts = `line ${call.target.lineno + span[0]} · ${kind} · ${plural(call.hits(i), "hit")}`;
  const parts = [make("pre", { class: "text" }, text.trimEnd()), make("p", { class: "facts" }, facts)];
  if (call.ended === i) parts.push(make("p", { class: "outcome" }, ...ending(call.outcome(), 1000)));
  if (!call.hits(i)) return [...parts, make("p", {}, "It was not executed in this call.")];
  const columns = call.columns(i).filter(([, samples]) => state.builtins || !samples.every(isCode));
  if (!columns.length) return [...parts, make("p", {}, "It mentions no name that has a value to show.")];
  const count = call.sampled(i);
  const at = call.at(i, state.anchor, state.step);
  if (count < call.hits(i)) parts.push(make("p", { class: "facts" }, `${plural(count, "sample")} of ${plural(call.hits(i), "hit")} were kept.`));
  parts.push(...columns.map(([name, samples]) => chart(name, samples, at.sample)).filter(Boolean));
  parts.push(table(call, i, columns, count, at));
  return parts;
}

function table(call, i, columns, count, at) {
  const from = Math.max(0, Math.min(Math.max(at.sample, 0) - TABLE_ROWS / 2, count - TABLE_ROWS));
  const to = Math.min(count, from + TABLE_ROWS);
  const types = columns.map(([, samples]) => {
    const found = new Set(samples.filter((sample) => !isAbsent(sample)).map(([type]) => type));
    return found.size === 1 ? [...found][0] : "";
  });
  const heads = columns.map(([name], k) => make("th", { scope: "col" }, name, types[k] && make("small", {}, ` ${types[k]}`)));
  const first = make("th", { scope: "col", title: count < call.hits(i) ? "sample" : "hit" }, "#");
  const rows = [];
  for (let k = from; k < to; k++) rows.push(tableRow(i, columns, types, k, k === at.sample));
  const made = make("table", {},
    make("caption", {}, `Values after each ${count < call.hits(i) ? "sampled hit" : "hit"}`),
    make("thead", {}, make("tr", {}, first, ...heads)), make("tbody", {}, ...rows));
  const around = make("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Samples of the line" }, made);
  if (from > 0 || to < count) around.append(make("p", { class: "facts" }, `Rows ${from + 1} to ${to} of ${count}: stepping moves on.`));
  return around;
}

function tableRow(i, columns, types, k, isCurrent) {
  const cells = columns.map(([, samples], c) => {
    const [type, text] = samples[k];
    const absent = isAbsent(samples[k]);
    return make("td", { class: absent ? "absent" : text.length > 60 ? "long" : null, title: type }, ...marked(absent ? "no value" : text), !types[c] && !absent ? make("small", {}, ` ${type}`) : null);
  });
  const row = make("tr", { "aria-current": isCurrent ? "step" : null }, make("th", { scope: "row" }, String(k + 1)), ...cells);
  row.addEventListener("click", () => {
    if (state.anchor !== i) setAnchor(current().sampled(i) > 1 ? i : state.anchor);
    setStep(k);
    showSource();
  });
  return row;
}

/** A small picture of a name's numbers; null where there are fewer than two. */
function chart(name, samples, at) {
  const numbers = samples.map(numberOf);
  const known = numbers.filter((number) => number !== null);
  if (known.length < 2 || known.every((number) => number === known[0])) return null;
  const [width, height, margin] = [280, 64, 6];
  const least = known.reduce((a, b) => Math.min(a, b));
  const most = known.reduce((a, b) => Math.max(a, b));
  const x = (k) => margin + (k * (width - 2 * margin)) / (numbers.length - 1);
  const y = (number) => height - margin - ((number - least) * (height - 2 * margin)) / (most - least);
  const runs = numbers.reduce((all, number, k) => {
    if (number === null) all.push([]);
    else all.at(-1).push(`${x(k).toFixed(1)},${y(number).toFixed(1)}`);
    return all;
  }, [[]]);
  const words = `${name} over ${plural(numbers.length, "sample")}: from ${known[0]} to ${known.at(-1)}, least ${least}, greatest ${most}`;
  const picture = drawing("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  if (at >= 0) picture.append(drawing("line", { class: "now", x1: x(at), x2: x(at), y1: 0, y2: height }));
  picture.append(...runs.filter((run) => run.length).map((run) => drawing("polyline", { points: run.join(" ") })));
  const dots = numbers.length <= 60 ? numbers.map((number, k) => [number, k]) : [[numbers[at], at]];
  for (const [number, k] of dots) {
    if (number === null || number === undefined) continue;
    picture.append(drawing("circle", { cx: x(k), cy: y(number), r: k === at ? 4 : 2, class: k === at ? "now" : "" }));
  }
  const label = make("figcaption", {}, make("span", { class: "name" }, name), ` ${least} … ${most}`);
  return make("figure", { class: "chart" }, label, picture);
}

// --- search -----------------------------------------------------------------------------------------------------

let place = -1; // of the match that is shown, among those of the current call

function search() {
  const query = $("query").value.trim();
  state.search = query && model.calls.length ? model.search(query) : null;
  place = -1;
  $("found").textContent = state.search ? `${state.search.total.toLocaleString("en")} found` : "";
  if (!model.calls.length) return;
  showTree();
  showSource();
}

function nextMatch(direction) {
  const found = state.search;
  if (!found?.total) return;
  place += direction;
  if (place === -2) place = -1;
  const count = found.counts[state.call];
  if (place < 0 || place >= count) {
    let call = state.call;
    do call = (call + direction + model.calls.length) % model.calls.length;
    while (!found.counts[call]);
    chooseCall(call);
    place = direction > 0 ? 0 : found.counts[call] - 1;
  }
  showMatch(found.in(current())[place]);
  const before = found.counts.slice(0, state.call).reduce((sum, more) => sum + more, 0);
  $("found").textContent = `${before + place + 1} of ${found.total.toLocaleString("en")}`;
}

function showMatch({ row, line, sample }) {
  if (line >= 0) {
    chooseLine(line);
    if (sample >= 0 && current().sampled(line) > 1) showSample(line, sample);
  } else {
    source.reveal(row);
    source.show();
  }
}

/** Step to where a line has a sample. */
function showSample(line, sample) {
  const call = current();
  const step = line === state.anchor ? sample : state.anchor >= 0 ? call.mapping(line, state.anchor)?.[sample] : undefined;
  if (step === undefined) setAnchor(line);
  setStep(step ?? sample);
  showSource();
}

// --- paper ------------------------------------------------------------------------------------------------------

const PAPER_CALLS = 500;

/** On paper nothing scrolls: all rows of the call, and the calls as a list. */
function printable() {
  const paper = $("paper");
  if (!model.calls.length) return;
  const call = current();
  const rows = call.target.rows.map((_, k) => {
    const row = sourceRow(call, k);
    row.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
    return row;
  });
  const items = model.tree(new Set()).slice(0, PAPER_CALLS).map(({ call: index, depth }) => {
    const item = make("li", {}, ...signature(model.calls[index], 100), ...ending(model.calls[index].outcome(), 100));
    item.style.setProperty("--depth", Math.min(depth, DEEPEST));
    return item;
  });
  if (model.calls.length > PAPER_CALLS) items.push(make("li", {}, `and ${plural(model.calls.length - PAPER_CALLS, "more call")}`));
  paper.replaceChildren(make("h2", {}, "Calls"), make("ul", {}, ...items), make("h2", {}, "Source"), make("div", { class: "listing" }, ...rows));
}

// --- doors ------------------------------------------------------------------------------------------------------

/** Do what a key is for, unless it is pressed together with another one. */
function act(event, actions) {
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
}

function changeTheme() {
  const dark = $("theme").getAttribute("aria-pressed") !== "true";
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

function anywhere(event) {
  if (event.target.matches("input[type=search], dialog *")) return;
  act(event, {
    "/": () => { $("query").focus(); $("query").select(); },
    "?": () => $("help").showModal(),
    d: changeTheme,
    e: () => {
      if (model.calls.length && current().ended !== null) chooseLine(current().ended);
    },
  });
}

function listen() {
  $("tree").addEventListener("keydown", treeKey);
  $("source").addEventListener("keydown", sourceKey);
  $("source").addEventListener("click", (event) => {
    const element = event.target.closest("[data-line]");
    const row = event.target.closest("[data-row]");
    const i = element ? Number(element.dataset.line) : row ? (current().target.atRow[row.dataset.row].at(-1) ?? -1) : -1;
    if (i >= 0) chooseLine(i, { reveal: false });
  });
  $("anchor").addEventListener("change", (event) => { setAnchor(Number(event.target.value)); showSource(); });
  $("step").addEventListener("input", (event) => setStep(Number(event.target.value) - 1));
  $("step-back").addEventListener("click", () => setStep(state.step - 1));
  $("step-on").addEventListener("click", () => setStep(state.step + 1));
  $("builtins").addEventListener("change", (event) => { state.builtins = event.target.checked; showSource(); });
  window.addEventListener("beforeprint", printable);
  window.addEventListener("afterprint", () => $("paper").replaceChildren());
}

function listenToHeader() {
  let waiting;
  $("query").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
  $("query").addEventListener("keydown", (event) => {
    if (event.key === "Escape") { $("query").value = ""; search(); $("source").focus(); }
    if (event.key === "Enter") { event.preventDefault(); searchNow(event.shiftKey ? -1 : 1); }
  });
  const searchNow = (direction) => {
    clearTimeout(waiting);
    if ((state.search?.query ?? "") !== $("query").value.trim().toLowerCase()) search();
    nextMatch(direction);
  };
  $("search").addEventListener("submit", (event) => { event.preventDefault(); searchNow(1); });
  $("previous-match").addEventListener("click", () => searchNow(-1));
  $("theme").addEventListener("click", changeTheme);
  $("help-open").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", anywhere);
}

function begin() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  $("theme").setAttribute("aria-pressed", String(dark));
  const facts = [plural(model.calls.length, "call")];
  if (model.seen > model.calls.length) facts.push(`${model.seen.toLocaleString("en")} seen`);
  if (model.engine) facts.push(`engine ${model.engine}`);
  $("summary").textContent = facts.join(" · ");
  const notices = model.warnings.map((text) => make("p", { class: "notice" }, text));
  if (model.raised) notices.unshift(make("p", { class: "notice raised" }, `✗ The run raised ${model.raised}`));
  if (!model.calls.length) notices.push(make("p", { class: "notice" }, "No call was recorded."));
  $("notices").append(...notices);
  listenToHeader();
  if (!model.calls.length) {
    document.body.classList.add("empty");
    return;
  }
  listen();
  chooseCall(0);
}

begin();
