// What several views show: a call's signature, its end, and text with matches marked.

import { cut, make } from "./elements.js";
import { model, state } from "./state.js";

export function signature(call, most) {
  const given = call.arguments.map(([name, sample]) => `${name}=${model.samples[sample][1]}`).join(", ");
  return [make("span", { class: "function" }, call.target.function), make("span", { class: "arguments" }, `(${cut(given, most)})`)];
}

export function ending(outcome, most) {
  const sign = { raised: "✗", returned: "→", unended: "…" }[outcome.kind];
  const word = { raised: "raised ", returned: "returned ", unended: "" }[outcome.kind];
  return [
    make("span", { class: `sign ${outcome.kind}`, "aria-hidden": "true" }, ` ${sign} `),
    make("span", { class: "unseen" }, ` ${word}`),
    make("span", { class: `value ${outcome.kind}` }, cut(outcome.text, most)),
  ];
}

/** A text, with the matches of the search marked. */
export function marked(text) {
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
