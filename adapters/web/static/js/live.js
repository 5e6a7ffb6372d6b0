// Live changes. The browser comes back by itself after a cut; where it gives up, we begin again from where we were.

import { get } from "./api.js";
import { store } from "./store.js";

const SLOWEST = 10_000;
const HIDDEN_FOR = 60_000;
/** A browser opens six connections to one server: pages that nobody sees give theirs back. */

let source = null;
let wait = 500;
let timer = 0;
let hiding = 0;

export function goLive() {
  connect();
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, HIDDEN_FOR);
    else if (!source) connect();
  });
  addEventListener("online", () => !source && connect());
}

function connect() {
  clearTimeout(timer);
  source?.close();
  source = new EventSource(`/api/events?after=${store.cursor}`);
  source.onopen = () => {
    wait = 500;
    tell(true);
  };
  source.onmessage = (event) => {
    if (event.lastEventId) store.cursor = event.lastEventId;
    take(JSON.parse(event.data));
  };
  source.onerror = () => {
    tell(false);
    if (source?.readyState === EventSource.CLOSED) again();
  };
}

function close() {
  source?.close();
  source = null;
}

async function again() {
  close();
  clearTimeout(timer);
  timer = setTimeout(connect, wait);
  wait = Math.min(wait * 2, SLOWEST);
  const who = await get("/api/session").catch(() => null);
  if (who && !who.user) location.reload();
}

async function take(change) {
  if (change.kind === "message") store.take(change.message);
  else if (change.kind === "channel") store.takeChannel(change.name);
  else await store.refresh().catch(again);
}

const tell = (on) => dispatchEvent(new CustomEvent("imagine:connection", { detail: on }));
