// Pictures on their way into a message: picked, dropped or pasted, sent up at once, shown as tiles.

import { Problem, upload } from "./api.js";
import { h, icon } from "./dom.js";
import { thumbnail } from "./pictures.js";
import { store } from "./store.js";

export class Attachments {
  /** `changed` is called when the finished pictures are other ones, `refused` with a sentence for each refusal. */
  constructor({ changed, refused }) {
    this.changed = changed;
    this.refused = refused;
    this.items = [];
    this.element = h("ul", { class: "tiles", "aria-label": "Pictures on this message" });
  }

  get pictures() {
    return this.items.filter((item) => item.picture).map((item) => item.picture);
  }

  /** Start anew with these finished pictures. */
  set(pictures) {
    for (const item of this.items) item.abort?.abort();
    this.items = [];
    this.element.replaceChildren();
    for (const picture of pictures) this.#show({ picture, name: picture.name });
  }

  /** Wait for everything that is still being sent up. */
  async settled() {
    await Promise.allSettled(this.items.map((item) => item.sending));
  }

  addPicture(picture) {
    if (this.#full(1) || this.pictures.some((one) => one.digest === picture.digest)) return;
    this.#show({ picture, name: picture.name });
    this.changed();
  }

  addFiles(files) {
    for (const file of files) {
      if (this.#full(1)) return;
      if (file.size > store.setup.max_upload_bytes) {
        this.refused(store.setup.words.upload_too_large.replace("{name}", () => file.name));
        continue;
      }
      const item = { name: file.name || "picture", abort: new AbortController() };
      this.#show(item);
      item.sending = this.#send(item, file);
    }
  }

  async #send(item, file) {
    try {
      item.picture = await upload(file, (part) => (item.bar.value = part), item.abort.signal);
      item.element.replaceChildren(thumbnail(item.picture), item.remove);
      this.changed();
    } catch (problem) {
      this.#drop(item);
      this.refused(problem instanceof Problem ? problem.message : `${item.name} could not be read.`);
    }
  }

  #show(item) {
    item.remove = h(
      "button",
      { class: "icon-button remove", type: "button", "aria-label": `Remove ${item.name}`, onclick: () => this.#remove(item) },
      icon("close"),
    );
    item.bar = h("progress", { max: 1, value: 0, "aria-label": `Sending ${item.name}` });
    item.element = h("li", { class: "tile", title: item.name });
    if (item.picture) item.element.append(thumbnail(item.picture), item.remove);
    else item.element.append(h("span", { class: "without" }, item.name), item.bar, item.remove);
    this.items.push(item);
    this.element.append(item.element);
  }

  #remove(item) {
    const next = item.element.nextElementSibling ?? item.element.previousElementSibling;
    item.abort?.abort();
    this.#drop(item);
    this.changed();
    next?.querySelector("button")?.focus();
  }

  #drop(item) {
    this.items = this.items.filter((one) => one !== item);
    item.element.remove();
  }

  #full(more) {
    if (this.items.length + more <= store.setup.most_pictures) return false;
    this.refused(store.setup.words.too_many_pictures);
    return true;
  }
}

/** Let files be dropped on a pane, and say so while they hover over it. */
export function takeDrops(pane, take) {
  const veil = h("div", { class: "drop", hidden: true }, "Drop pictures to add them");
  let depth = 0;
  pane.append(veil);
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const hover = (by) => (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += by;
    veil.hidden = depth <= 0;
  };
  pane.addEventListener("dragenter", hover(1));
  pane.addEventListener("dragleave", hover(-1));
  pane.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  pane.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    take([...event.dataTransfer.files]);
  });
}
