// Channels at the side: a column on a desk, a drawer on a phone.

import { $, h, say } from "./dom.js";
import { hueOf, initials } from "./format.js";
import { addressOf, here } from "./router.js";
import { remove } from "./api.js";
import { store } from "./store.js";

const sidebar = $("sidebar");
const scrim = $("scrim");

export function showSidebar() {
  say($("my-avatar"), initials(store.me.name));
  $("my-avatar").style.setProperty("--hue", hueOf(store.me.user));
  say($("my-name"), store.me.name);
  $("theme").addEventListener("click", () => dispatchEvent(new Event("imagine:switch-theme")));
  $("leave").addEventListener("click", async () => {
    await remove("/api/session").catch(() => {});
    location.reload();
  });
  $("open-sidebar").addEventListener("click", () => drawer(true));
  $("close-sidebar").addEventListener("click", () => drawer(false));
  scrim.addEventListener("click", () => drawer(false));
  sidebar.addEventListener("keydown", (event) => event.key === "Escape" && drawer(false));
  store.addEventListener("channels", list);
  addEventListener("hashchange", () => {
    list();
    drawer(false, { quietly: true });
  });
  list();
}

function drawer(open, { quietly = false } = {}) {
  if (sidebar.classList.contains("open") === open) return;
  sidebar.classList.toggle("open", open);
  scrim.hidden = !open;
  $("channel").inert = open;
  if (open) $("close-sidebar").focus();
  else if (!quietly) $("open-sidebar").focus();
}

function list() {
  const { channel } = here();
  const focused = document.activeElement?.dataset?.channel;
  const links = store.channels.map((name) => {
    const unread = store.unread.has(name);
    const link = h("a", { href: addressOf(name), class: unread && "unread", "data-channel": name, "aria-current": name === channel && "page" }, h("span", { class: "channel-name", dir: "auto" }, name));
    if (unread) link.append(h("span", { class: "unseen" }, "unread"));
    return h("li", {}, link);
  });
  $("channels").replaceChildren(...links);
  if (focused) $("channels").querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
}
