// One message: who said it, its words, its pictures, how far its turn is. Built once and then kept up to date.

import { attached, download, finished, thumbnail } from "./pictures.js";
import { button, Progress } from "./progress.js";
import { h, icon, say, shape } from "./dom.js";
import { historyMenu } from "./history.js";
import { hueOf, initials, replies, timeOf, wholeTimeOf } from "./format.js";
import { store } from "./store.js";

/** `actions`: edit(message, target), again(id), cancel(id), open(message), tree(id, what, index, more). */
export class MessageView {
  constructor(message, actions, { inThread }) {
    this.actions = actions;
    this.inThread = inThread;
    this.message = message;
    this.element = h("li", { class: "message", "data-id": message.id });
    this.#build(message);
    this.update(message);
  }

  update(message) {
    this.message = message;
    this.progress?.update(message.state);
    this.#updatePreview(message);
    this.#updateReplies(message);
  }

  #build(message) {
    this.content = h("div", { class: "content" }, this.#byline(message));
    this.content.append(h("p", { class: "words", dir: "auto" }, message.text));
    if (message.turn) this.content.append(this.#chips(message));
    if (message.answers) this.content.append(this.#finished(message));
    else if (message.pictures.length && !message.author.user) this.content.append(this.#shown(message));
    else if (message.pictures.length) this.content.append(this.#attached(message));
    this.content.append(...smallPrint(message));
    if (message.turn) this.#buildTurn(message);
    this.element.append(avatar(message.author), this.content);
  }

  #buildTurn(message) {
    this.foot = h("div", { class: "actions" });
    this.progress = new Progress({
      foot: this.foot,
      mine: message.author.user === store.me.user,
      ratio: message.turn.ratio ?? message.turn.edits?.shape,
      cancel: () => this.actions.cancel(message.id),
      again: () => this.actions.again(message.id),
    });
    this.preview = h("div", { class: "preview" });
    this.content.append(this.progress.element, this.preview, this.foot);
  }

  #byline(message) {
    const bot = !message.author.user;
    const asked = bot && store.messages.get(message.answers);
    return h(
      "div",
      { class: "byline" },
      h("span", { class: "who", dir: "auto" }, message.author.name),
      bot ? h("span", { class: "app-tag" }, "bot") : null,
      h("time", { datetime: new Date(message.at * 1000).toISOString(), title: wholeTimeOf(message.at) }, timeOf(message.at)),
      asked ? h("span", { class: "made-for", dir: "auto" }, `for ${asked.author.name}`) : null,
      message.private ? h("span", { class: "only-me" }, icon("lock"), "only you see this") : null,
    );
  }

  #chips({ turn }) {
    const chips = h("div", { class: "chips" });
    if (turn.edits && this.inThread) {
      const chip = h("button", { class: "chip edits", type: "button", onclick: () => jumpTo(turn.edits.message) });
      chip.append(thumbnail(turn.edits), turn.operation === "again" ? "again, from this picture" : "edits this picture");
      chips.append(chip);
    } else if (turn.operation === "again") {
      chips.append(h("span", { class: "chip" }, "again"));
    }
    if (turn.ratio) chips.append(h("span", { class: "chip" }, shape(turn.ratio), turn.ratio));
    if (turn.count > 1) chips.append(h("span", { class: "chip" }, `${turn.count} pictures`));
    const model = turn.model === store.usual ? null : turn.model;
    for (const words of [turn.size, model, turn.style]) if (words) chips.append(h("span", { class: "chip" }, words));
    return chips;
  }

  #attached(message) {
    return h("ul", { class: "references", "aria-label": "Attached pictures" }, ...message.pictures.map(attached));
  }

  /** The pictures that a turn came to: each with its buttons, or one with the message's. */
  #finished(message) {
    const foot = h("div", { class: "actions" });
    return h("div", {}, this.#pictures(message.id, message.pictures, foot), foot);
  }

  /** What the bot shows besides: a sheet, or a picture that was gone back to. */
  #shown({ pictures }) {
    return h("div", { class: pictures.length > 1 ? "pictures many" : "pictures" }, ...pictures.map((one) => finished(one, [])));
  }

  #pictures(message, pictures, foot) {
    const many = pictures.length > 1;
    const asked = store.messages.get(announcementOf(message))?.turn;
    const own = (picture, index) => [
      button("edit", "edit", () => this.actions.edit(this.message, { message, index, picture })),
      this.#history(message, index, asked),
      download(picture),
    ];
    const again = asked?.uprooted ? null : button("again", "again", () => this.actions.again(message));
    const [edit, more, save] = many ? [] : own(pictures[0], 0);
    foot.prepend(...[edit, again, ...this.#tree(message, asked), more, save].filter(Boolean));
    const shown = pictures.map((picture, index) => finished(picture, many ? own(picture, index) : []));
    return h("div", { class: many ? "pictures many" : "pictures" }, ...shown);
  }

  /** Variations and undo, which are for a message as a whole. */
  #tree(message, asked) {
    const tree = this.actions.tree;
    return [
      button("variations", "picture", () => tree(message, "variations", 0)),
      isFirst(asked) ? null : button("undo", "back", () => tree(message, "undo", 0)),
    ];
  }

  /** The menu of everything else that can be done with one picture of a message. */
  #history(message, index, asked) {
    return historyMenu(message, index, { isFirst: isFirst(asked), isPrivate: this.message.private }, this.actions.tree);
  }

  #updatePreview({ preview }) {
    if (!this.preview || this.inThread || !preview || this.shown === preview.message) return;
    this.shown = preview.message;
    this.foot.replaceChildren();
    this.preview.replaceChildren(this.#pictures(preview.message, preview.pictures, this.foot), ...smallPrint(preview));
    if (this.link) this.foot.append(this.link);
  }

  #updateReplies(message) {
    if (!this.foot || this.inThread) return;
    if (!this.link) {
      this.count = h("small");
      const open = () => this.actions.open(this.message);
      this.link = h("button", { class: "open-thread", type: "button", onclick: open }, icon("reply"), "Open thread", this.count);
      this.foot.append(this.link);
    }
    say(this.count, message.replies ? replies(message.replies) : "");
  }
}

/** The announcement of a message with pictures; of a preview whose message is not here, by its name. */
function announcementOf(id) {
  return store.messages.get(id)?.answers ?? id.replace(/^p/, "t");
}

/** What has to be known of pictures besides, and which model drew them. */
function smallPrint({ notes, model }) {
  return [
    notes.length ? h("p", { class: "notes", dir: "auto" }, notes.join(" ")) : null,
    model ? h("p", { class: "drawn-by" }, model) : null,
  ].filter(Boolean);
}

function isFirst(turn) {
  return turn ? !turn.edits : false;
}

export function avatar({ user, name }) {
  if (!user) return h("span", { class: "avatar bot", "aria-hidden": "true" }, icon("mark"));
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  element.style.setProperty("--hue", hueOf(user));
  return element;
}

function jumpTo(id) {
  const message = document.querySelector(`#thread [data-id="${CSS.escape(id)}"]`);
  message?.scrollIntoView({ block: "center", behavior: "smooth" });
  message?.querySelector(".picture-button")?.focus({ preventScroll: true });
}
