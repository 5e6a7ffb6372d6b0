// Which models the workspace may use, and which are usual: for everybody here, and in the channel that is open.

import { get, put } from "./api.js";
import { $, h, say } from "./dom.js";
import { here } from "./router.js";
import { store } from "./store.js";

export function offerModels() {
  const dialog = $("models-dialog");
  $("open-models").addEventListener("click", async () => {
    const { channel } = here();
    $("models-form").hidden = true;
    dialog.showModal();
    try {
      fill(channel, await get(`/api/channels/${encodeURIComponent(channel)}/choices`));
    } catch (problem) {
      say($("models-problem"), problem.message);
    }
    $("models-form").hidden = false;
  });
  $("models-cancel").addEventListener("click", () => dialog.close());
  $("models-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await put("/api/choices", chosen());
      store.loadModels(here().channel);
      dialog.close();
    } catch (problem) {
      say($("models-problem"), problem.message);
    }
  });
}

function fill(channel, choices) {
  say($("models-problem"), "");
  const models = Object.entries(choices.offered);
  say($("models-here-label"), `Usual model in #${channel}`);
  offer($("models-usual"), [["", "as the bot is set up"], ...models], choices.model);
  offer($("models-here"), [["", "as in the workspace"], ...models], choices.channel_model);
  offer($("models-down"), Object.entries(choices.ways), choices.when_down);
  $("models-allowed").replaceChildren(
    ...models.map(([id, label]) => h("label", {}, h("input", { type: "checkbox", value: id, checked: choices.allowed.includes(id) }), label)),
  );
}

function offer(select, options, value) {
  select.replaceChildren(...options.map(([id, label]) => h("option", { value: id, selected: id === value }, label)));
}

function chosen() {
  const ticked = $("models-allowed").querySelectorAll("input:checked");
  return {
    channel: here().channel,
    allowed: [...ticked].map((box) => box.value),
    model: $("models-usual").value,
    channel_model: $("models-here").value,
    when_down: $("models-down").value,
  };
}
