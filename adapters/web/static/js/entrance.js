// Dialogs that ask for a name: who comes in, and what a new channel is called.

import { get, post } from "./api.js";
import { $, say } from "./dom.js";
import { go } from "./router.js";
import { store } from "./store.js";

/** Who sits here, once they have said so. */
export async function enter() {
  let who = await get("/api/session");
  say($("simulated"), who.simulated ?? "");
  $("simulated").hidden = !who.simulated;
  while (!who.user) {
    await askName(who);
    who = await get("/api/session");
  }
  return who;
}

function askName({ guarded, simulated }) {
  const dialog = $("welcome");
  const form = $("welcome-form");
  $("welcome-password-row").hidden = !guarded;
  $("welcome-password").required = guarded;
  say($("welcome-simulated"), simulated ?? "");
  $("welcome-simulated").hidden = !simulated;
  $("welcome-name").value = localStorage.getItem("imagine:name") ?? "";
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const { name, password } = Object.fromEntries(new FormData(form));
      try {
        await post("/api/session", { name, password });
        localStorage.setItem("imagine:name", name);
        form.onsubmit = null;
        form.reset();
        dialog.close();
        resolve();
      } catch (problem) {
        say($("welcome-problem"), problem.message);
      }
    };
  });
}

export function offerChannels() {
  const dialog = $("channel-dialog");
  $("new-channel").addEventListener("click", () => {
    say($("channel-problem"), "");
    $("channel-form").reset();
    dialog.showModal();
  });
  $("channel-cancel").addEventListener("click", () => dialog.close());
  $("channel-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { name } = await post("/api/channels", { name: $("channel-input").value });
      store.takeChannel(name);
      dialog.close();
      go(name);
    } catch (problem) {
      say($("channel-problem"), problem.message);
    }
  });
}
