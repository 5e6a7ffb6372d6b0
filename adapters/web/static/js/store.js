// What the page knows: who sits here, channels, messages, threads. Everything else asks and listens here.

import { get } from "./api.js";

class Store extends EventTarget {
  me = null;
  setup = null;
  /** Those that may be named in the channel, and the one that draws when nobody names one. */
  models = [];
  usual = "";
  library = { pictures: [], styles: [] };
  channels = [];
  unread = new Set();
  messages = new Map();
  timelines = new Map();
  cursor = "0-0";
  /** Seconds that the server's clock is ahead of ours. */
  ahead = 0;

  async start(me) {
    this.me = me;
    await this.refresh();
  }

  /** Begin anew: everything that was loaded may be out of date. */
  async refresh() {
    const setup = await get("/api/start");
    this.setup = setup;
    this.cursor = setup.cursor;
    this.ahead = setup.now - Date.now() / 1000;
    this.timelines.clear();
    this.#set("channels", setup.channels);
    this.dispatchEvent(new Event("anew"));
  }

  /** The saved pictures and styles that can be named in a channel. */
  loadLibrary(channel) {
    get(`/api/channels/${encodeURIComponent(channel)}/library`).then((library) => this.#set("library", library), () => {});
  }

  loadModels(channel) {
    const take = ({ models, usual }) => {
      this.usual = usual;
      this.#set("models", models);
    };
    get(`/api/channels/${encodeURIComponent(channel)}/models`).then(take, () => {});
  }

  get model() {
    return this.models.find((model) => model.id === this.usual) ?? this.models[0] ?? null;
  }

  /** The timeline of a channel, or of the thread that hangs on a message: `{ ids, more }`. */
  timeline(place) {
    return this.timelines.get(place.thread || `#${place.channel}`);
  }

  async load(place) {
    const known = this.timeline(place);
    if (known) return known;
    return place.thread ? this.#loadThread(place) : this.loadOlder(place);
  }

  async loadOlder(place) {
    const known = this.timeline(place);
    const oldest = known && this.messages.get(known.ids[0]);
    const query = oldest ? `?before=${oldest.at}` : "";
    const found = await get(`/api/channels/${encodeURIComponent(place.channel)}/messages${query}`);
    return this.#keep(`#${place.channel}`, found.messages, found.more);
  }

  /** A message that is new, or has changed. */
  take(message) {
    const before = this.messages.get(message.id);
    this.messages.set(message.id, message);
    const name = message.thread || `#${message.channel}`;
    const timeline = this.timelines.get(name);
    if (timeline && !timeline.ids.includes(message.id) && !this.#isOlder(message, timeline)) {
      this.#keep(name, [message], timeline.more);
    }
    this.dispatchEvent(new CustomEvent("message", { detail: { message, before } }));
  }

  takeChannel(name) {
    if (!this.channels.includes(name)) this.#set("channels", [...this.channels, name]);
  }

  setUnread(channel, unread) {
    if (this.unread.has(channel) === unread) return;
    if (unread) this.unread.add(channel);
    else this.unread.delete(channel);
    this.dispatchEvent(new Event("channels"));
  }

  /** Whether it belongs to the part of a timeline that was not loaded yet. */
  #isOlder(message, { ids, more }) {
    return more && ids.length > 0 && message.at < this.messages.get(ids[0]).at;
  }

  async #loadThread(place) {
    const found = await get(`/api/threads/${place.thread}`);
    this.messages.set(found.root.id, found.root);
    return this.#keep(place.thread, [found.root, ...found.messages], false);
  }

  #keep(name, messages, more) {
    for (const message of messages) this.messages.set(message.id, message);
    const ids = new Set([...(this.timelines.get(name)?.ids ?? []), ...messages.map((message) => message.id)]);
    const at = (id) => this.messages.get(id).at;
    const sorted = [...ids].sort((a, b) => at(a) - at(b) || (a < b ? -1 : 1));
    const timeline = { ids: sorted, more };
    this.timelines.set(name, timeline);
    return timeline;
  }

  #set(name, value) {
    this[name] = value;
    this.dispatchEvent(new Event(name));
  }
}

export const store = new Store();
