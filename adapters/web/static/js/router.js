// Where one is, in the address: #/channel or #/channel/thread. Back, reload and bookmarks work by themselves.

export function here() {
  const [channel, thread] = location.hash.replace(/^#\/?/u, "").split("/").map(decode);
  return { channel: channel || "general", thread: thread || "" };
}

export const addressOf = (channel, thread = "") =>
  `#/${encodeURIComponent(channel)}${thread ? `/${encodeURIComponent(thread)}` : ""}`;

export function go(channel, thread = "") {
  location.hash = addressOf(channel, thread);
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}
