// The chosen line: all of its samples, as charts and as a table.

import { $, drawing, make, plural } from "./elements.js";
import { ending, marked } from "./parts.js";
import { isAbsent, numberOf } from "./samples.js";
import { current, state } from "./state.js";

const TABLE_ROWS = 200;

export function showLine() {
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
  const columns = call.shownColumns(i, state.builtins);
  if (!columns.length) return [...parts, make("p", {}, "It mentions no name with a value to show.")];
  const count = call.sampled(i);
  const at = call.at(i, state.anchor, state.step);
  if (count < call.hits(i)) parts.push(make("p", { class: "facts" }, `${plural(count, "sample")} of ${plural(call.hits(i), "hit")} were kept.`));
  parts.push(...columns.map(([name, samples]) => chart(name, samples, at.sample)).filter(Boolean));
  parts.push(table(call, i, columns, at.sample));
  return parts;
}

/** The samples of a line's names: those around the sample `current`. */
function table(call, i, columns, current) {
  const count = call.sampled(i);
  const from = Math.max(0, Math.min(Math.max(current, 0) - TABLE_ROWS / 2, count - TABLE_ROWS));
  const to = Math.min(count, from + TABLE_ROWS);
  const types = columns.map(([, samples]) => {
    const found = new Set(samples.filter((sample) => !isAbsent(sample)).map(([type]) => type));
    return found.size === 1 ? [...found][0] : "";
  });
  const heads = columns.map(([name], k) => make("th", { scope: "col" }, name, types[k] && make("small", {}, ` ${types[k]}`)));
  const first = make("th", { scope: "col", title: count < call.hits(i) ? "sample" : "hit" }, "#");
  const rows = [];
  for (let k = from; k < to; k++) rows.push(tableRow(columns, types, k, k === current));
  const made = make("table", {},
    make("caption", {}, `Values after each ${count < call.hits(i) ? "sampled hit" : "hit"}`),
    make("thead", {}, make("tr", {}, first, ...heads)), make("tbody", {}, ...rows));
  const around = make("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Samples of the line" }, made);
  if (from > 0 || to < count) around.append(make("p", { class: "facts" }, `Rows ${from + 1} to ${to} of ${count}: stepping shows others.`));
  return around;
}

function tableRow(columns, types, k, isCurrent) {
  const cells = columns.map(([, samples], c) => {
    const [type, text] = samples[k];
    const absent = isAbsent(samples[k]);
    return make("td", { class: absent ? "absent" : text.length > 60 ? "long" : null, title: type }, ...marked(absent ? "no value" : text), !types[c] && !absent ? make("small", {}, ` ${type}`) : null);
  });
  const head = make("th", { scope: "row" }, String(k + 1));
  return make("tr", { "aria-current": isCurrent ? "step" : null, "data-sample": k }, head, ...cells);
}

/** A small chart of a name's numbers; null where there are not two different ones. */
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
