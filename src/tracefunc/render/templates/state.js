// The trace that the page shows, and what of it is chosen.

import { $ } from "./elements.js";
import { Model } from "./model.js";

export const model = new Model(JSON.parse($("data").textContent));
export const state = { call: 0, line: -1, anchor: -1, step: 0, search: null, closed: new Set(), builtins: false };
export const current = () => model.calls[state.call];
export const steps = () => (state.anchor < 0 ? 0 : current().sampled(state.anchor));

export function setAnchor(anchor) {
  if (anchor !== state.anchor) state.step = 0;
  state.anchor = anchor;
  state.step = Math.min(state.step, Math.max(steps() - 1, 0));
}
