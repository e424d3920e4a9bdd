// The page as a whole: what its keys and buttons do, and what it shows first.

import { chooseCall, treeKey } from "./call_view.js";
import { $, act, make, plural } from "./elements.js";
import { printable } from "./paper.js";
import { nextMatch, search } from "./search_view.js";
import { chooseLine, chooseSample, setStep, showSource, sourceKey } from "./source_view.js";
import { current, model, setAnchor, state } from "./state.js";

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
  $("line-body").addEventListener("click", (event) => {
    const row = event.target.closest("[data-sample]");
    if (row) chooseSample(Number(row.dataset.sample));
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
  const facts = [model.count ?? plural(model.calls.length, "call")];
  if (model.engine) facts.push(`engine ${model.engine}`);
  $("summary").textContent = facts.join(" · ");
  const notices = model.warnings.map((text) => make("p", { class: "notice" }, text));
  if (model.raised) notices.unshift(make("p", { class: "notice raised" }, `✗ The run raised ${model.raised}`));
  if (!model.calls.length) notices.push(make("p", { class: "notice" }, "No call was recorded."));
  notices.push(...model.omissions.map((text) => make("p", { class: "notice" }, text)));
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
