// What was not sent yet, kept in the browser by place, so that nothing typed is ever lost.

import { newEvent } from "./dom.js";

const PREFIX = "imagine:draft:";
const MOST = 50;

const nameOf = ({ channel, thread }) => `${PREFIX}${channel}/${thread}`;
export const emptyDraft = () => ({ text: "", pictures: [], target: null, event: newEvent() });

export function readDraft(place) {
  try {
    return { ...emptyDraft(), ...JSON.parse(localStorage.getItem(nameOf(place)) ?? "{}") };
  } catch {
    return emptyDraft();
  }
}

/** Keep a draft. Its event is its own until its content changes: the same content sent twice is one message. */
export function keepDraft(place, draft) {
  const empty = !draft.text && !draft.pictures.length && !draft.target;
  try {
    if (empty) localStorage.removeItem(nameOf(place));
    else localStorage.setItem(nameOf(place), JSON.stringify({ ...draft, at: Date.now() }));
    forgetOldest();
  } catch {
    // Storage is full or switched off: the page itself still holds the draft.
  }
}

function forgetOldest() {
  const names = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  if (names.length <= MOST) return;
  const at = (name) => JSON.parse(localStorage.getItem(name)).at ?? 0;
  localStorage.removeItem(names.sort((a, b) => at(a) - at(b))[0]);
}
