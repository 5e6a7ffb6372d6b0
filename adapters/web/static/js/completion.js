// Completion in the message box: the command, its options, and what each option takes.

import { h, shape } from "./dom.js";
import { store } from "./store.js";

let lists = 0;

export class Completion {
  /** `inThread`: every message there is an edit, so options are offered without the command. */
  constructor(textarea, { inThread }) {
    this.textarea = textarea;
    this.inThread = inThread;
    this.choices = [];
    this.id = `completion-${(lists += 1)}`;
    this.element = h("ul", { class: "completion", id: this.id, role: "listbox", "aria-label": "Suggestions", hidden: true });
    textarea.setAttribute("role", "combobox");
    textarea.setAttribute("aria-autocomplete", "list");
    textarea.setAttribute("aria-controls", this.id);
    textarea.setAttribute("aria-expanded", "false");
    this.element.addEventListener("pointerdown", (event) => event.preventDefault());
    for (const name of ["input", "click", "focus"]) textarea.addEventListener(name, () => this.update());
    textarea.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.element.hidden;
  }

  update() {
    const before = this.textarea.value.slice(0, this.textarea.selectionStart);
    const { word, choices, grid } = suggest(before, this.inThread);
    const settled = choices.length === 1 && choices[0].value === word;
    if (!choices.length || settled || this.textarea.selectionStart !== this.textarea.selectionEnd) return this.close();
    this.word = word;
    this.choices = choices;
    this.element.classList.toggle("grid", Boolean(grid));
    this.element.replaceChildren(...choices.map((choice, index) => this.#row(choice, index)));
    this.element.hidden = false;
    this.textarea.setAttribute("aria-expanded", "true");
    this.#select(0);
  }

  close() {
    this.element.hidden = true;
    this.textarea.setAttribute("aria-expanded", "false");
    this.textarea.removeAttribute("aria-activedescendant");
  }

  /** Whether the key was for the suggestions. */
  key(event) {
    if (!this.open || event.isComposing) return false;
    const across = this.element.classList.contains("grid");
    const steps = { ArrowDown: across ? this.#columns() : 1, ArrowUp: across ? -this.#columns() : -1 };
    if (across) Object.assign(steps, { ArrowRight: 1, ArrowLeft: -1 });
    if (event.key in steps) this.#select(this.at + steps[event.key]);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") this.#take(this.at);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #row(choice, index) {
    return h(
      "li",
      { id: `${this.id}-${index}`, role: "option", onclick: () => this.#take(index), onpointermove: () => this.#select(index) },
      choice.ratio ? shape(choice.ratio) : null,
      h("span", { class: "value" }, choice.label ?? choice.value),
      h("span", { class: "meaning" }, choice.meaning ?? ""),
    );
  }

  #columns() {
    const [first, ...rest] = this.element.children;
    const next = rest.findIndex((row) => row.offsetTop > first.offsetTop);
    return next < 0 ? this.element.children.length : next + 1;
  }

  #select(index) {
    const rows = [...this.element.children];
    this.at = Math.max(0, Math.min(rows.length - 1, index));
    rows.forEach((row, place) => row.setAttribute("aria-selected", String(place === this.at)));
    rows[this.at].scrollIntoView({ block: "nearest" });
    this.textarea.setAttribute("aria-activedescendant", rows[this.at].id);
  }

  #take(index) {
    const { textarea } = this;
    const end = textarea.selectionStart;
    textarea.setRangeText(`${this.choices[index].value} `, end - this.word.length, end, "end");
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/** What may stand at the end of `text`: `{ word, choices }`, the word being what is there of it already. */
export function suggest(text, inThread) {
  const none = { word: "", choices: [] };
  const command = /^\/\w*$/u.exec(text);
  if (command) return { word: command[0], choices: starting([{ value: "/imagine", meaning: "Draw a picture from words" }], command[0]) };
  if (!inThread && !/^\/imagine\s/iu.test(text)) return none;
  const value = /(?:^|\s)(--[a-z]+)(?:\s+|=)([^\s]*)$/iu.exec(text);
  if (value) {
    const values = valuesOf(value[1].toLowerCase(), modelIn(text));
    if (values) return { word: value[2], choices: starting(values.choices, value[2]), grid: values.grid };
  }
  const name = /(?:^|[\s(])(@[^\s@]*)$/u.exec(text);
  if (name) return { word: name[1], choices: starting(store.library.pictures.map((saved) => ({ value: `@${saved}`, meaning: "saved picture" })), name[1]) };
  const option = /(?:^|\s)(--\S*)$/u.exec(text);
  return option ? { word: option[1], choices: starting(optionsLeft(text, inThread), option[1]) } : none;
}

const starting = (choices, word) => choices.filter(({ value }) => value.toLowerCase().startsWith(word.toLowerCase()));

function modelIn(text) {
  const named = /--model(?:\s+|=)(\S+)/iu.exec(text)?.[1];
  return store.models.find(({ id }) => id === named) ?? store.model;
}

function optionsLeft(text, inThread) {
  const options = [
    { value: "--ar", meaning: "Shape, such as 16:9" },
    { value: "--n", meaning: "How many pictures at a time" },
    { value: "--model", meaning: "Which model draws" },
  ];
  if (modelIn(text)?.sizes.length) options.push({ value: "--size", meaning: "How large" });
  if (store.library.styles.length) options.push({ value: "--style", meaning: "Words that are added" });
  if (!inThread) options.push({ value: "--private", meaning: "Only you see it" });
  return options.filter(({ value }) => !new RegExp(`${value}(\\s|=)`, "u").test(text));
}

function valuesOf(option, model) {
  if (option === "--ar") return { grid: true, choices: (model?.ratios ?? []).map((ratio) => ({ value: ratio, ratio })) };
  if (option === "--n") return { choices: Array.from({ length: store.setup.most_images }, (_, index) => ({ value: String(index + 1), meaning: index ? "pictures" : "picture" })) };
  if (option === "--model") return { choices: store.models.map(({ id, seconds, estimate }) => ({ value: id, meaning: `${estimate}, about ${Math.round(seconds)} s a picture` })) };
  if (option === "--style") return { choices: store.library.styles.map((style) => ({ value: style })) };
  if (option === "--size") return { choices: (model?.sizes ?? []).map((size) => ({ value: size, meaning: `${model.estimates[size]} a picture` })) };
  return null;
}
