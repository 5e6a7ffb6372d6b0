// What a screen reader is told of what changes by itself: stages of one's own turns, and pictures that arrive.

import { $ } from "./dom.js";
import { here } from "./router.js";
import { store } from "./store.js";

const told = new Map();

export function announceChanges() {
  store.addEventListener("message", ({ detail: { message } }) => {
    const words = whatIsNew(message);
    if (words) announce(words);
  });
}

function whatIsNew(message) {
  if (message.turn && message.author.user === store.me.user) {
    const stage = message.state?.stage;
    if (!stage || stage === "done" || told.get(message.id) === stage) return "";
    told.set(message.id, stage);
    return message.state.text;
  }
  if (message.answers && !told.has(message.id)) {
    told.set(message.id, "shown");
    return message.channel === here().channel ? message.pictures.map((picture) => `New picture: ${picture.alt}`).join(". ") : "";
  }
  return "";
}

function announce(words) {
  $("announcer").append(Object.assign(document.createElement("p"), { textContent: words }));
  while ($("announcer").children.length > 5) $("announcer").firstChild.remove();
}
