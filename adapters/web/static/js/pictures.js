// Pictures on messages: what was attached, and what was made.

import { h, icon } from "./dom.js";
import { openLightbox } from "./lightbox.js";
import { store } from "./store.js";

export const pictureAddress = (picture) => `/pictures/${picture.digest}`;
export const thumbnailAddress = (picture) => `/thumbnails/${picture.digest}`;

/** A finished picture, whole, with its buttons below. */
export function finished(picture, actions) {
  const alt = picture.alt || picture.name;
  const image = h("img", { src: pictureAddress(picture), alt, width: picture.width, height: picture.height, decoding: "async" });
  image.onerror = () => image.replaceWith(tile(alt));
  const button = opener(picture, alt, `${alt} (show at full size)`);
  button.append(image);
  const element = h("div", { class: "picture" }, button, actions.length ? h("div", { class: "actions" }, ...actions) : null);
  if (picture.width && picture.height) element.style.setProperty("--ratio", picture.width / picture.height);
  return element;
}

/** A picture that somebody attached, small. What no browser shows stays a tile with its name. */
export function attached(picture) {
  const button = opener(picture, picture.name, `Attached picture ${picture.name} (show at full size)`);
  button.append(thumbnail(picture));
  return h("li", { class: "reference" }, button);
}

/** A small picture, or a tile with its name where there is no small one. */
export function thumbnail(picture, alt = "") {
  const image = h("img", { src: thumbnailAddress(picture), alt, decoding: "async" });
  image.onerror = () => image.replaceWith(tile(picture.name));
  return image;
}

/** What stands for a picture that cannot be shown. */
function tile(name) {
  return h("span", { class: "without" }, icon("picture"), name ?? "");
}

/** A button that shows a picture at full size. */
function opener({ digest, name }, caption, label) {
  const open = (event) => openLightbox(event.currentTarget);
  const about = { "data-digest": digest, "data-caption": caption, "data-name": name, "aria-label": label };
  return h("button", { class: "picture-button", type: "button", onclick: open, ...about });
}

export function download(picture) {
  const label = store.setup.labels.download;
  return h(
    "a",
    { class: "button spare", href: pictureAddress(picture), download: picture.name, "aria-label": label },
    icon("download"),
    h("span", {}, label),
  );
}
