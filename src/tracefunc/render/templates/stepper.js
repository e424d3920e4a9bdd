// What is stepped through, and at which step the page is.

import { $, cut, make } from "./elements.js";
import { current, state, steps } from "./state.js";

export function showStepper() {
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
  const changing = call.shownColumns(state.anchor, state.builtins).filter(([, samples]) => samples.some((sample) => sample !== samples[0]));
  const held = changing.slice(0, 2).map(([name, samples]) => `${name} = ${cut(samples[state.step][1], 30)}`);
  return [`${state.step + 1} of ${count}${kept}`, ...held].join(", ");
}
