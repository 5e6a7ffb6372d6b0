// The message box of a channel or a thread: words, pictures, the picture that is edited, and private notices.

import { post } from "./api.js";
import { Attachments, takeDrops } from "./attachments.js";
import { Completion } from "./completion.js";
import { h, icon, newEvent, say } from "./dom.js";
import { emptyDraft, keepDraft, readDraft } from "./drafts.js";
import { thumbnail } from "./pictures.js";
import { store } from "./store.js";

const ESTIMATE_AFTER = 300;
const TOUCH = matchMedia("(pointer: coarse)");

export class Composer {
  constructor(dock, pane, { id, inThread }) {
    this.inThread = inThread;
    this.sending = Promise.resolve();
    this.attachments = new Attachments({ changed: () => this.#changed(), refused: (text) => this.notice(text) });
    this.textarea = h("textarea", { id, rows: 1, dir: "auto", enterkeyhint: TOUCH.matches ? "enter" : "send", spellcheck: true });
    this.completion = new Completion(this.textarea, { inThread });
    this.notices = h("div", { role: "alert" });
    this.cost = h("span", { class: "cost", title: "What this is expected to cost" });
    this.editing = h("div", { class: "editing", hidden: true });
    this.#build(dock);
    takeDrops(pane, (files) => this.attachments.addFiles(files));
    this.textarea.addEventListener("input", () => this.#changed());
    this.textarea.addEventListener("keydown", (event) => this.#key(event));
    store.addEventListener("models", () => this.place && this.#estimate());
    this.textarea.addEventListener("paste", (event) => this.#paste(event));
  }

  /** Show the box of a channel or thread, with what was not sent there. */
  show(place, label) {
    this.place = place;
    store.loadLibrary(place.channel);
    store.loadModels(place.channel);
    this.textarea.setAttribute("aria-label", label);
    this.textarea.placeholder = this.inThread ? "Say what to change…" : `${label}, or type /imagine`;
    this.notices.replaceChildren();
    this.#fill(readDraft(place));
  }

  /** Go on from one picture: it is what the next message edits. */
  edit(target) {
    this.#keep({ target });
    this.#showTarget();
    this.focus();
  }

  use(picture) {
    this.attachments.addPicture(picture);
    this.focus();
  }

  write(text) {
    this.textarea.value = text;
    this.textarea.dispatchEvent(new Event("input"));
    this.completion.close();
    this.focus();
  }

  focus() {
    this.textarea.focus();
    this.textarea.setSelectionRange(this.textarea.value.length, this.textarea.value.length);
  }

  /** Something for this person alone. */
  notice(text) {
    const close = h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", onclick: () => this.#dismiss() }, icon("close"));
    const shown = h("div", { class: "notice" }, icon("alert"), h("p", { dir: "auto" }, text), close);
    shown.querySelector("p").append(h("small", {}, "Only you see this."));
    this.notices.append(shown);
    while (this.notices.children.length > 3) this.notices.firstChild.remove();
  }

  /** Send what is in the box and empty it at once; what cannot be sent comes back into it. */
  async send() {
    if (this.waiting || this.#blank()) return;
    this.#busy(true);
    await this.attachments.settled();
    this.#busy(false);
    if (this.#blank()) return;
    const { place, draft } = this;
    this.#fill(emptyDraft());
    this.notices.replaceChildren();
    this.sending = this.sending.then(() => this.#post(place, draft));
  }

  async #post(place, draft) {
    try {
      await post("/api/messages", asSent(place, draft));
      if (/^\/imagine\s+library/iu.test(draft.text)) store.loadLibrary(place.channel);
      if (readDraft(place).event === draft.event) keepDraft(place, emptyDraft());
    } catch (problem) {
      if (this.place === place) this.#putBack(draft, problem.message);
    }
  }

  #putBack(draft, why) {
    const written = this.draft;
    this.#fill(draft);
    if (written.text || written.pictures.length) {
      this.#fill({ ...draft, text: [draft.text, written.text].join("\n"), pictures: [...draft.pictures, ...written.pictures], event: newEvent() });
      keepDraft(this.place, this.draft);
    }
    this.notice(why);
  }

  #fill(draft) {
    this.draft = draft;
    this.textarea.value = draft.text;
    this.attachments.set(draft.pictures);
    this.completion.close();
    this.#showTarget();
    this.#grow();
    this.#estimate();
  }

  #busy(waiting) {
    this.waiting = waiting;
    this.button.classList.toggle("busy", waiting);
  }

  #build(dock) {
    const picker = h("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.avif", hidden: true, tabindex: -1 });
    picker.addEventListener("change", () => {
      this.attachments.addFiles([...picker.files]);
      picker.value = "";
    });
    this.button = h("button", { class: "icon-button send", type: "submit", "aria-label": "Send" }, icon("send"));
    const tools = h(
      "div",
      { class: "tools" },
      tool("picture", "Add pictures", () => picker.click()),
      tool("options", "Options: shape, how many, model", () => this.#offerOptions()),
      h("span", { class: "hint", "aria-hidden": "true" }, "Enter sends, Shift+Enter makes a new line"),
      this.cost,
      this.button,
    );
    const box = h("div", { class: "box" }, this.editing, this.attachments.element, this.textarea, tools, picker);
    const form = h("form", { class: "composer", onsubmit: (event) => (event.preventDefault(), this.send()) }, this.completion.element, this.notices, box);
    dock.append(form);
  }

  #offerOptions() {
    const text = this.textarea.value.trimEnd();
    const bare = text.replace(/(^|\s)--$/u, "$1").trimEnd();
    const start = this.inThread || /^\/imagine(\s|$)/iu.test(bare) ? bare : `/imagine ${bare}`.trimEnd();
    this.textarea.value = start ? `${start} --` : "--";
    this.focus();
    this.textarea.dispatchEvent(new Event("input"));
  }

  #key(event) {
    if (this.completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !TOUCH.matches) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.draft.target) {
      event.stopPropagation();
      this.#stopEditing();
    }
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.attachments.addFiles(files);
  }

  #changed() {
    this.#keep({ text: this.textarea.value, pictures: this.attachments.pictures });
    this.#grow();
  }

  #keep(change) {
    this.draft = { ...this.draft, ...change, event: newEvent() };
    keepDraft(this.place, this.draft);
    this.#enable();
    this.#estimate();
  }

  /** Show what it would cost to send what is in the box, once the person pauses. */
  #estimate() {
    const { place, draft } = this;
    clearTimeout(this.estimating);
    if (this.inThread ? this.#blank() : !/^\/imagine(\s|$)/iu.test(draft.text)) return say(this.cost, "");
    this.estimating = setTimeout(async () => {
      const { estimate } = await post("/api/estimate", asSent(place, draft)).catch(() => ({ estimate: "" }));
      if (this.draft === draft) say(this.cost, estimate);
    }, ESTIMATE_AFTER);
  }

  #dismiss() {
    this.notices.replaceChildren();
    this.focus();
  }

  #showTarget() {
    const { target } = this.draft;
    this.editing.hidden = !target;
    this.editing.replaceChildren();
    if (target) {
      const stop = h("button", { class: "icon-button small", type: "button", "aria-label": "Edit the newest picture instead", onclick: () => this.#stopEditing() }, icon("close"));
      this.editing.append(thumbnail(target.picture), h("span", {}, h("b", {}, "Editing this picture"), ` ${target.picture.alt}`), stop);
    }
    this.#enable();
  }

  #stopEditing() {
    this.#keep({ target: null });
    this.#showTarget();
    this.focus();
  }

  #blank() {
    return !this.textarea.value.trim() && !this.attachments.items.length;
  }

  #enable() {
    this.button.setAttribute("aria-disabled", String(this.#blank()));
  }

  #grow() {
    this.textarea.style.height = "auto";
    this.textarea.style.height = `${this.textarea.scrollHeight}px`;
    this.#enable();
  }
}

/** A draft, as the server takes it. */
function asSent(place, { event, text, pictures, target }) {
  return { event, channel: place.channel, thread: place.thread || null, text, pictures, target: target && { message: target.message, index: target.index } };
}

function tool(name, label, action) {
  return h("button", { class: "icon-button", type: "button", "aria-label": label, title: label, onclick: action }, icon(name));
}
