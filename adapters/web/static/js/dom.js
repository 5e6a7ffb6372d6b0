// Building elements. Text goes in as text; there is no way to put in HTML.

export const $ = (id) => document.getElementById(id);

/** An element: `h("button", { class: "x", onclick: f, "aria-label": "…" }, "text", other)`. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of icons.svg, for the eye alone. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  if (className) svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A small frame with the shape of a ratio such as 16:9. */
export function shape(ratio) {
  const [width, height] = sides(ratio);
  const scale = 20 / Math.max(width, height);
  const [w, d] = [width * scale, height * scale];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "shape");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const frame = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x: 12 - w / 2, y: 12 - d / 2, width: w, height: d, rx: 1.6 })) {
    frame.setAttribute(name, value);
  }
  svg.append(frame);
  return svg;
}

/** Width and height of a ratio; square for anything that is none. */
export function sides(ratio) {
  const [width, height] = (ratio || "").split(":").map(Number);
  return width > 0 && height > 0 ? [width, height] : [1, 1];
}

/** Put text in only where it differs, so that readers and selections are left in peace. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A new name for an event. */
export const newEvent = () =>
  crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
