// Times, names and sizes for the eye.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export const timeOf = (seconds) => clock.format(seconds * 1000);
export const wholeTimeOf = (seconds) => whole.format(seconds * 1000);
export const dayKey = (seconds) => new Date(seconds * 1000).toDateString();

export function dayOf(seconds) {
  const key = dayKey(seconds);
  const now = Date.now() / 1000;
  if (key === dayKey(now)) return "Today";
  if (key === dayKey(now - 86400)) return "Yesterday";
  return day.format(seconds * 1000);
}

export function initials(name) {
  const parts = name.trim().split(/\s+/u);
  const letters = parts.length > 1 ? [parts[0], parts[parts.length - 1]] : [parts[0]];
  return letters.map((part) => [...part][0] ?? "").join("").toUpperCase();
}

/** A hue of one's own, from one's id. */
export function hueOf(user) {
  let sum = 0;
  for (const sign of user) sum = (sum * 31 + sign.codePointAt(0)) % 360;
  return sum;
}

export const replies = (count) => (count === 1 ? "1 reply" : `${count} replies`);
