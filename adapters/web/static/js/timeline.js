// A list of messages: of a channel or of a thread. Stays at the newest while one is there.

import { dayKey, dayOf } from "./format.js";
import { h, icon } from "./dom.js";
import { MessageView } from "./message.js";
import { store } from "./store.js";

const JOINED_SECONDS = 300;
const NEAR_THE_END = 90;

export class Timeline {
  constructor(scroller, dock, actions, { inThread, empty }) {
    this.scroller = scroller;
    this.actions = actions;
    this.inThread = inThread;
    this.empty = empty;
    this.views = new Map();
    this.place = null;
    this.list = h("ol", { class: "messages" });
    this.newest = h("button", { class: "button to-newest", type: "button", hidden: true, onclick: () => this.toEnd() }, icon("down"), "Newest");
    scroller.append(this.list);
    dock.prepend(this.newest);
    this.pinned = true;
    const follow = new ResizeObserver(() => this.pinned && this.toEnd());
    for (const element of [this.list, scroller]) follow.observe(element);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  async show(place, label) {
    this.place = place;
    this.list.setAttribute("aria-label", label);
    const before = this.scroller.dataset.place;
    const name = `${place.channel}/${place.thread}`;
    if (before !== name) {
      this.views.clear();
      this.list.replaceChildren();
      this.pinned = true;
    }
    this.scroller.dataset.place = name;
    await store.load(place);
    if (this.scroller.dataset.place === name) this.render();
  }

  /** Bring the list up to date with the store. */
  render() {
    const timeline = this.place && store.timeline(this.place);
    if (!timeline) return;
    const wanted = [];
    if (timeline.more) wanted.push(this.#older());
    let previous = null;
    for (const id of timeline.ids) {
      const message = store.messages.get(id);
      if (!previous || dayKey(previous.at) !== dayKey(message.at)) wanted.push(this.#day(message.at));
      wanted.push(this.#view(message, previous));
      previous = message;
    }
    if (!timeline.ids.length && this.empty) wanted.push(this.empty(this.place));
    this.#arrange(wanted);
    if (this.pinned) this.toEnd();
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.newest.hidden = true;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.pinned = scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    this.newest.hidden = this.pinned;
  }

  #view(message, previous) {
    const view = this.views.get(message.id) ?? new MessageView(message, this.actions, { inThread: this.inThread });
    if (this.views.has(message.id)) view.update(message);
    this.views.set(message.id, view);
    const plain = (one) => !one.turn && !one.answers;
    const joined = previous && plain(message) && plain(previous) && previous.author.user === message.author.user;
    view.element.classList.toggle("joined", Boolean(joined && message.at - previous.at < JOINED_SECONDS && dayKey(previous.at) === dayKey(message.at)));
    return view.element;
  }

  /** Put elements in order, moving none that is in its place: what is focused or played stays so. */
  #arrange(wanted) {
    const keep = new Set(wanted);
    for (const child of [...this.list.children]) if (!keep.has(child)) child.remove();
    wanted.forEach((element, index) => {
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
  }

  #day(at) {
    const text = dayOf(at);
    this.days ??= new Map();
    const day = this.days.get(text) ?? h("li", { class: "day" }, text);
    this.days.set(text, day);
    return day;
  }

  #older() {
    this.olderButton ??= h("li", { class: "older" }, h("button", { class: "button", type: "button", onclick: () => this.#loadOlder() }, "Earlier messages"));
    return this.olderButton;
  }

  async #loadOlder() {
    const height = this.scroller.scrollHeight;
    const top = this.scroller.scrollTop;
    await store.loadOlder(this.place).catch(() => {});
    this.pinned = false;
    this.render();
    this.scroller.scrollTop = top + this.scroller.scrollHeight - height;
  }
}
