// How far a turn is: an easel with a bar while it is under way, a sentence when it came to nothing.

import { h, icon, say, sides } from "./dom.js";
import { store } from "./store.js";

/** The part of an announcement that shows its turn's state; `cancel` and `again` are its buttons, the latter in `foot`. */
export class Progress {
  constructor({ mine, ratio, foot, cancel, again }) {
    this.element = h("div", { class: "progress" });
    this.foot = foot;
    this.mine = mine;
    this.ratio = ratio;
    this.cancel = cancel;
    this.again = again;
    this.kind = "";
  }

  update(state) {
    const kind = !state || state.stage === "done" ? "none" : state.final ? "outcome" : "easel";
    if (kind !== this.kind) {
      this.kind = kind;
      this.element.replaceChildren();
      if (kind === "easel") this.#buildEasel();
      if (kind === "outcome") this.#buildOutcome(state);
    }
    if (kind === "easel") this.#updateEasel(state);
    if (kind === "outcome") say(this.text, state.text);
  }

  #buildEasel() {
    this.text = h("p", { class: "easel-text" });
    this.fill = h("span");
    this.bar = h("div", { class: "bar", role: "progressbar", "aria-label": "Progress of this picture" }, this.fill);
    this.timing = "";
    this.easel = h(
      "div",
      { class: "easel" },
      icon("mark", "mark"),
      h("div", { class: "easel-foot" }, this.text, this.mine ? button("cancel", "close", this.cancel) : "", this.bar),
    );
    const [width, height] = sides(this.ratio);
    this.easel.style.setProperty("--ratio", width / height);
    this.element.append(this.easel);
  }

  #updateEasel(state) {
    say(this.text, state.text);
    this.easel.dataset.stage = state.stage;
    this.bar.setAttribute("aria-valuetext", state.text);
    const timed = state.stage === "drawing" || state.stage === "queued";
    const timing = timed && state.usual && state.since ? `${state.usual} ${state.since}` : state.stage;
    if (timing === this.timing) return;
    this.timing = timing;
    const elapsed = Date.now() / 1000 + store.ahead - state.since;
    const measured = timing !== state.stage;
    this.bar.className = `bar ${measured ? "timed" : "open"}`;
    if (!measured) return;
    this.fill.style.setProperty("--usual", `${state.usual}s`);
    this.fill.style.setProperty("--elapsed", `${-Math.max(0, elapsed)}s`);
  }

  #buildOutcome(state) {
    const failed = state.stage === "failed";
    this.text = h("p", { dir: "auto" });
    this.element.append(h("div", { class: failed ? "outcome failed" : "outcome" }, icon(failed ? "alert" : "close"), this.text));
    if (state.may_retry) this.foot.prepend(button("again", "again", this.again));
  }
}

/** A button with one of the core's own labels. */
export function button(name, iconName, action) {
  const label = store.setup.labels[name];
  return h("button", { class: "button", type: "button", onclick: action }, icon(iconName), label);
}
