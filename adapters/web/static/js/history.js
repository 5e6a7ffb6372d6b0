// Going back and branching: a menu under each picture, and what it asks of the server.

import { h } from "./dom.js";
import { store } from "./store.js";

const MOST_CHOICES = 25;

/** A menu for the picture of the message `id`; `tree(id, what, other)` does what is chosen. */
export function historyMenu(id, { isFirst, isPrivate }, tree) {
  const { labels } = store.setup;
  const offered = ["path", ...(isFirst ? [] : ["compare"]), "restore", ...(isPrivate ? [] : ["fork"])];
  const others = h("optgroup", { label: labels.compare_with });
  const menu = h(
    "select",
    { class: "button history", "aria-label": labels.more },
    h("option", { value: "" }, labels.more),
    ...offered.map((what) => h("option", { value: what }, labels[what])),
    others,
  );
  const refresh = () => others.replaceChildren(...choices(id));
  for (const event of ["focus", "pointerdown"]) menu.addEventListener(event, refresh);
  menu.addEventListener("change", () => {
    const { value } = menu;
    menu.value = "";
    if (value.startsWith("with ")) {
      const [, message, index] = value.split(" ");
      tree(id, "compare", { message, index: Number(index) });
    } else if (value) tree(id, value);
  });
  return menu;
}

/** The newest pictures of the thread, but for the one of this message. */
function choices(id) {
  const { thread } = store.messages.get(id) ?? {};
  return [...store.messages.values()]
    .filter((message) => message.answers && message.thread === thread && message.id !== id)
    .sort((one, other) => other.at - one.at)
    .flatMap((message) => message.pictures.map((_, index) => choice(message, index)))
    .slice(0, MOST_CHOICES);
}

function choice({ id, answers, pictures }, index) {
  const words = store.messages.get(answers)?.text ?? pictures[index].name;
  const which = pictures.length > 1 ? ` #${index + 1}` : "";
  return h("option", { value: `with ${id} ${index}` }, words.slice(0, 60) + which);
}
