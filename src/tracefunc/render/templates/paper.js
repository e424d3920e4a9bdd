// What is printed.

import { DEEPEST } from "./call_view.js";
import { $, make, plural } from "./elements.js";
import { ending, signature } from "./parts.js";
import { sourceRow } from "./source_view.js";
import { current, model } from "./state.js";

const PAPER_CALLS = 500;

/** Lay out what is printed, as paper does not scroll: all rows of the call, and the calls as a list. */
export function printable() {
  const paper = $("paper");
  if (!model.calls.length) return;
  const call = current();
  const rows = call.target.rows.map((_, k) => {
    const row = sourceRow(call, k);
    for (const element of row.querySelectorAll("[id]")) element.removeAttribute("id");
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
