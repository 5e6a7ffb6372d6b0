// The page: brings the parts together and shows where the address says one is.

import { announceChanges } from "./announcer.js";
import { post, Problem } from "./api.js";
import { Composer } from "./composer.js";
import { $, h, icon, newEvent, say } from "./dom.js";
import { enter, offerChannels } from "./entrance.js";
import { goLive } from "./live.js";
import { offerModels } from "./models.js";
import { addressOf, go, here } from "./router.js";
import { showSidebar } from "./sidebar.js";
import { store } from "./store.js";
import { Timeline } from "./timeline.js";

const EXAMPLES = [
  "/imagine a lighthouse at dusk --ar 16:9",
  "/imagine a paper boat in the rain, watercolour",
  "/imagine a fox asleep in the snow --ar 3:2",
  "/imagine a greenhouse on the moon --n 2",
];

const MEANT_AFTER = 1200;
const pressed = new Set();

const actions = {
  edit(message, target) {
    go(message.channel, message.thread || message.id);
    show().then(() => threadComposer.edit(target));
  },
  again: (id) => press(id, "again", { event: newEvent() }),
  cancel: (id) => press(id, "cancel", {}),
  tree: (id, what, index, more = {}) => press(id, what, { event: newEvent(), index, ...more }),
  open: (message) => {
    go(message.channel, message.id);
    show().then(() => threadComposer.focus());
  },
};

const channelComposer = new Composer($("channel-composer"), $("channel"), { id: "channel-text", inThread: false });
const threadComposer = new Composer($("thread-composer"), $("thread"), { id: "thread-text", inThread: true });
const channelTimeline = new Timeline($("channel-scroller"), $("channel-composer"), actions, { inThread: false, empty });
const threadTimeline = new Timeline($("thread-scroller"), $("thread-composer"), actions, { inThread: true });

async function begin() {
  const me = await enter();
  await store.start(me);
  $("app").hidden = false;
  showSidebar();
  offerChannels();
  offerModels();
  announceChanges();
  listen();
  const loaded = show();
  if (matchMedia("(pointer: fine)").matches) (here().thread ? threadComposer : channelComposer).focus();
  await loaded;
  goLive();
}

function listen() {
  addEventListener("hashchange", show);
  addEventListener("imagine:connection", ({ detail: on }) => connection(on));
  store.addEventListener("message", ({ detail }) => changed(detail));
  store.addEventListener("anew", () => show({ anew: true }));
  addEventListener("focus", seen);
  for (const id of ["thread-close", "thread-back"]) $(id).addEventListener("click", closeThread);
  $("thread").addEventListener("keydown", (event) => event.key === "Escape" && closeThread());
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    (here().thread ? threadComposer : channelComposer).focus();
  });
}

function connection(on) {
  const was = $("connection").textContent === "";
  say($("connection"), on ? "" : "Reconnecting…");
  if (on && !was) show({ anew: true });
}

let shown = { channel: "", thread: "" };

/** Show what the address names. */
async function show({ anew = false } = {}) {
  const place = here();
  const before = shown;
  shown = place;
  const loading = [];
  if (anew === true || before.channel !== place.channel) loading.push(showChannel(place));
  if (anew === true || before.channel !== place.channel || before.thread !== place.thread) loading.push(showThread(place, before));
  document.title = `#${place.channel} · imagine`;
  seen();
  await Promise.all(loading);
}

async function showChannel({ channel }) {
  const place = { channel, thread: "" };
  const label = `Message #${channel}`;
  $("channel-name").replaceChildren(h("span", { class: "hash", "aria-hidden": "true" }, "#"), channel);
  if (channelComposer.place?.channel !== channel) channelComposer.show(place, label);
  await channelTimeline.show(place, `Messages in ${channel}`).catch((problem) => missing(problem, "channel"));
}

async function showThread(place, before) {
  $("thread").hidden = !place.thread;
  $("app").classList.toggle("with-thread", Boolean(place.thread));
  if (!place.thread) {
    if (before.thread) document.querySelector(`#channel [data-id="${CSS.escape(before.thread)}"] .open-thread`)?.focus();
    return;
  }
  say($("thread-place"), `#${place.channel}`);
  const known = threadComposer.place;
  if (known?.channel !== place.channel || known?.thread !== place.thread) threadComposer.show(place, "Say what to change");
  await threadTimeline.show(place, "Messages in this thread").catch((problem) => missing(problem, "thread"));
}

/** A place that cannot be shown: say why, and go where one can be. */
function missing(problem, what) {
  if (!(problem instanceof Problem)) throw problem;
  if (problem.status === 422) location.replace(what === "thread" ? addressOf(here().channel) : addressOf("general"));
  channelComposer.notice(problem.message);
}

function closeThread() {
  go(here().channel);
}

function changed({ message, before }) {
  const place = here();
  if (message.channel === place.channel) channelTimeline.render();
  if (place.thread && (message.id === place.thread || message.thread === place.thread)) threadTimeline.render();
  const mine = message.author.user === store.me.user;
  const away = message.channel !== place.channel || !document.hasFocus();
  if (!before && !mine && away) store.setUnread(message.channel, true);
}

function seen() {
  if (document.hasFocus()) store.setUnread(here().channel, false);
}

/** A button of a message; a second click right after the first is not meant. */
async function press(id, what, body) {
  const name = `${id} ${what}`;
  if (pressed.has(name)) return;
  pressed.add(name);
  setTimeout(() => pressed.delete(name), MEANT_AFTER);
  const composer = here().thread ? threadComposer : channelComposer;
  try {
    await post(`/api/messages/${id}/${what}`, body);
  } catch (problem) {
    composer.notice(problem.message);
  }
}

function empty({ channel }) {
  const examples = EXAMPLES.map((text) => h("button", { class: "button", type: "button", onclick: () => channelComposer.write(text) }, text.replace("/imagine ", "")));
  return h(
    "li",
    { class: "empty" },
    icon("mark", "mark"),
    h("p", {}, "Type ", h("kbd", {}, "/imagine"), ` in #${channel} and say what you would like to see.`),
    h("div", { class: "examples" }, ...examples),
  );
}

/** The bot or its store is away: say so, and look again. */
function trouble(problem) {
  if (!(problem instanceof Problem)) throw problem;
  say($("trouble"), problem.message);
  setTimeout(() => location.reload(), 4000);
}

begin().catch(trouble);
