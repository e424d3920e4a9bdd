// Elements of the page, keys, and lists that are longer than the screen.

export const $ = (id) => document.getElementById(id);

/** Make an element. Content that is a string becomes text, never markup; attributes that are null are left out. */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, String(value));
  }
  element.append(...content.filter((part) => part !== null));
  return element;
}

export function drawing(tag, attributes, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

/** Do what a key stands for, unless it is pressed together with Control, Alt or Meta. */
export function act(event, actions) {
  const action = actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
}

/** A list of rows of the same height; only those on the screen are in the page. */
export class LongList {
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
