// Which models the workspace may use, and which are usual: for everybody here, and in the channel that is open.

import { get, put } from "./api.js";
import { $, h, say } from "./dom.js";
import { here } from "./router.js";
import { store } from "./store.js";

export function offerModels() {
  const dialog = $("models-dialog");
  let channel = "";
  const show = (ready) => {
    $("models-fields").hidden = !ready;
    $("models-save").disabled = !ready;
  };
  $("open-models").addEventListener("click", async () => {
    const opened = (channel = here().channel);
    show(false);
    say($("models-problem"), "");
    dialog.showModal();
    try {
      const choices = await get(`/api/channels/${encodeURIComponent(opened)}/choices`);
      // It may have been closed since, and opened in another channel.
      if (opened === channel) fill(channel, choices);
      show(opened === channel);
    } catch {
      say($("models-problem"), "What is chosen cannot be shown just now. Try again in a minute.");
    }
  });
  $("models-cancel").addEventListener("click", () => dialog.close());
  addEventListener("hashchange", () => dialog.close());
  $("models-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await put("/api/choices", chosen(channel));
      store.loadModels(here().channel);
      dialog.close();
    } catch (problem) {
      say($("models-problem"), problem.message);
    }
  });
}

function fill(channel, choices) {
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

function chosen(channel) {
  const ticked = $("models-allowed").querySelectorAll("input:checked");
  return {
    channel,
    allowed: [...ticked].map((box) => box.value),
    model: $("models-usual").value,
    channel_model: $("models-here").value,
    when_down: $("models-down").value,
  };
}
