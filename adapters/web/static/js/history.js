// Going back and branching: a menu under each picture, and what it asks of the server.

import { h } from "./dom.js";
import { store } from "./store.js";

const MOST_CHOICES = 25;

/** A menu for the picture `index` of the message `id`; `tree(id, what, index, more)` does what is chosen. */
export function historyMenu(id, index, { isFirst, isPrivate }, tree) {
  const { labels } = store.setup;
  const offered = ["path", ...(isFirst ? [] : ["compare"]), "restore", ...(isPrivate ? [] : ["fork"])];
  const others = h("optgroup", { label: labels.compare_with });
  const channels = h("optgroup", { label: labels.fork_to });
  const menu = h(
    "select",
    { class: "button history", "aria-label": labels.more },
    h("option", { value: "" }, labels.more),
    ...offered.map((what) => h("option", { value: what }, labels[what])),
    others,
    isPrivate ? null : channels,
  );
  const refresh = () => {
    others.replaceChildren(...choices(id, index));
    channels.replaceChildren(...elsewhere(id));
  };
  for (const event of ["focus", "pointerdown"]) menu.addEventListener(event, refresh);
  menu.addEventListener("change", () => {
    const { value } = menu;
    menu.value = "";
    if (value.startsWith("with ")) {
      const [, message, which] = value.split(" ");
      tree(id, "compare", index, { other: { message, index: Number(which) } });
    } else if (value.startsWith("to ")) tree(id, "fork", index, { channel: value.slice(3) });
    else if (value) tree(id, value, index);
  });
  return menu;
}

/** The newest pictures of the thread, but for this one. */
function choices(id, index) {
  const { thread } = store.messages.get(id) ?? {};
  return [...store.messages.values()]
    .filter((message) => message.answers && message.thread === thread)
    .sort((one, other) => other.at - one.at)
    .flatMap((message) => message.pictures.map((_, which) => ({ message, which })))
    .filter(({ message, which }) => message.id !== id || which !== index)
    .map(({ message, which }) => choice(message, which))
    .slice(0, MOST_CHOICES);
}

/** The other channels. */
function elsewhere(id) {
  const { channel } = store.messages.get(id) ?? {};
  return store.channels.filter((name) => name !== channel).map((name) => h("option", { value: `to ${name}` }, `#${name}`));
}

function choice({ id, answers, pictures }, index) {
  const words = store.messages.get(answers)?.text ?? pictures[index].name;
  const which = pictures.length > 1 ? ` #${index + 1}` : "";
  return h("option", { value: `with ${id} ${index}` }, words.slice(0, 60) + which);
}
