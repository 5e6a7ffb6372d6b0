// A picture at full size, and from there to the pictures beside it.

import { $, say } from "./dom.js";

const dialog = $("lightbox");
const image = $("lightbox-image");
const stage = $("lightbox-stage");
let buttons = [];
let at = 0;

/** Open at a picture's button; its neighbours are the other pictures of the same pane. */
export function openLightbox(button) {
  const pane = button.closest(".scroller") ?? button.closest(".composer") ?? document;
  buttons = [...pane.querySelectorAll(".picture-button")];
  show(buttons.indexOf(button));
  dialog.showModal();
}

function show(index) {
  at = index;
  const { digest, caption, name } = buttons[at].dataset;
  stage.classList.remove("whole");
  image.onerror = () => {
    image.onerror = null;
    image.src = `/thumbnails/${digest}`;
  };
  image.src = `/pictures/${digest}`;
  image.alt = caption;
  say($("lightbox-caption"), caption);
  say($("lightbox-count"), buttons.length > 1 ? `${at + 1} of ${buttons.length}` : "");
  $("lightbox-download").href = `/pictures/${digest}`;
  $("lightbox-download").download = name;
  $("lightbox-before").hidden = at === 0;
  $("lightbox-after").hidden = at === buttons.length - 1;
}

function step(by) {
  if (buttons[at + by]) show(at + by);
}

dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else return;
  event.preventDefault();
});
stage.addEventListener("click", (event) => {
  if (event.target === image) stage.classList.toggle("whole");
  else dialog.close();
});
dialog.addEventListener("close", () => {
  image.removeAttribute("src");
  buttons[at]?.focus();
});
$("lightbox-close").addEventListener("click", () => dialog.close());
$("lightbox-before").addEventListener("click", () => step(-1));
$("lightbox-after").addEventListener("click", () => step(1));
