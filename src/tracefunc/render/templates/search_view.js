// The search: from match to match, through all calls.

import { chooseCall, showTree } from "./call_view.js";
import { $ } from "./elements.js";
import { chooseLine, setStep, showSource, source } from "./source_view.js";
import { current, model, setAnchor, state } from "./state.js";

let place = -1; // of the match that is shown, among the matches of the current call

export function search() {
  const query = $("query").value.trim();
  state.search = query && model.calls.length ? model.search(query) : null;
  place = -1;
  $("found").textContent = state.search ? `${state.search.total.toLocaleString("en")} found` : "";
  if (!model.calls.length) return;
  showTree();
  showSource();
}

export function nextMatch(direction) {
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

/** Step to where a line has a sample; step through the line itself where that is not known. */
function showSample(line, sample) {
  const call = current();
  const step = line === state.anchor ? sample : state.anchor >= 0 ? call.mapping(line, state.anchor)?.[sample] : undefined;
  if (step === undefined) setAnchor(line);
  setStep(step ?? sample);
  showSource();
}
