// One picture: its pixels, what is stored of it, its views and their labels.

import { bytesText, element, foreign, percentText, visible } from "./dom.js";

const VIEWS = 12; // told at a time

export class Detail {
  #dialog;
  #source;
  #loader;
  #summary;
  #closed;
  #row = null;

  /** `closed(class, slot)` is called when somebody returns to the wall. */
  constructor(dialog, { source, loader, summary, closed }) {
    this.#dialog = dialog;
    this.#source = source;
    this.#loader = loader;
    this.#summary = summary;
    this.#closed = closed;
    dialog.addEventListener("close", () => {
      const [c, slot] = this.#row;
      this.#row = null;
      dialog.replaceChildren();
      history.replaceState(null, "", location.pathname + location.search);
      this.#closed(c, slot);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // beside what it shows
    });
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.#move(by);
    });
  }

  async open(c, slot) {
    this.#row = [c, slot];
    history.replaceState(null, "", `#${c}/${slot}`);
    if (!this.#dialog.open) this.#dialog.showModal();
    let told;
    try {
      told = await this.#source.picture(c, slot);
    } catch (error) {
      if (this.#isAt(c, slot)) this.#dialog.replaceChildren(this.#head(null), problem(error));
      return;
    }
    if (!this.#isAt(c, slot)) return; // somebody has moved on meanwhile
    const views = element("ol", { className: "views" });
    const rest = element("div", { className: "rest" });
    this.#dialog.replaceChildren(this.#head(told), this.#body(told), views, rest);
    this.#dialog.scrollTop = 0;
    this.#dialog.focus();
    await this.#addViews(views, rest, 0);
  }

  #isAt(c, slot) {
    return this.#row?.[0] === c && this.#row[1] === slot;
  }

  #head(told) {
    const title = element("h2", { id: "detail-name" });
    if (told) title.append(foreign(told.name), element("small", {}, ` slot ${told.slot}`));
    const buttons = [
      ["‹", "Previous picture", () => this.#move(-1)],
      ["›", "Next picture", () => this.#move(1)],
      ["×", "Close", () => this.#dialog.close()],
    ].map(([text, name, action]) => {
      const button = element("button", { type: "button", ariaLabel: name, title: name }, text);
      button.addEventListener("click", action);
      return button;
    });
    return element("header", {}, title, element("nav", { ariaLabel: "Pictures" }, ...buttons));
  }

  #body(told) {
    const figures = [this.#figure(told.picture, "whole", told.generated ? "as the prior draws it" : "decoded")];
    if (told.stored.length > 0) {
      const patches = told.stored.map((url) => this.#image(url, "patch"));
      const caption = element("figcaption", {}, `stored: ${told.stored_words}`);
      const box = element("div", { className: "patches" }, ...patches);
      box.style.setProperty("--across", Math.ceil(Math.sqrt(patches.length)));
      figures.push(element("figure", {}, box, caption));
    }
    const facts = element("dl", { className: "facts" });
    if (told.prompt !== null) facts.append(element("dt", {}, "prompt"), element("dd", {}, foreign(told.prompt)));
    facts.append(element("dt", {}, "its share of the file"), this.#shares(told.bytes));
    return element("div", { className: "body" }, ...figures, facts);
  }

  /** Bytes of a picture by part, as a bar and in words. */
  #shares(parts) {
    const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
    const colours = new Map(this.#summary.parts.map(({ name, colour }) => [name, `part${colour}`]));
    const pieces = parts.map(([name, bytes]) => {
      const piece = element("span", { className: colours.get(name) ?? "part5" });
      piece.style.width = `${(100 * bytes) / total}%`;
      return piece;
    });
    const words = parts.map(([name, bytes]) => {
      const swatch = element("span", { className: `swatch ${colours.get(name) ?? "part5"}` });
      return element("span", { className: "share-of" }, swatch, `${name} ${bytesText(bytes)}`);
    });
    const bar = element("div", { className: "shares", ariaHidden: "true" }, ...pieces);
    return element("dd", {}, element("b", {}, bytesText(total)), bar, ...words);
  }

  #figure(url, name, caption) {
    return element("figure", {}, this.#image(url, name), element("figcaption", {}, caption));
  }

  #image(url, name) {
    const image = element("img", { alt: "", className: name });
    image.classList.toggle("pixels", Math.max(...this.#summary.size) <= 64);
    // Once it is on the page: a loader leaves out what is not.
    queueMicrotask(() => this.#loader.load(image, url, { first: true }));
    return image;
  }

  async #addViews(list, rest, first) {
    const [c, slot] = this.#row;
    rest.replaceChildren(element("p", { className: "note" }, "Reading labels…"));
    let views;
    try {
      views = await this.#source.views(c, slot, first, VIEWS);
    } catch (error) {
      rest.replaceChildren(problem(error));
      return;
    }
    if (!list.isConnected) return;
    rest.replaceChildren();
    list.append(...views.map((view) => this.#view(view)));
    if (first === 0 && views.length === 0) {
      const words = "Only partners show this picture: it has no views and labels of its own.";
      rest.append(element("p", { className: "note" }, words));
    }
    const left = this.#summary.views - first - views.length;
    if (views.length === 0 || left <= 0) return;
    const more = element("button", { type: "button", className: "more-views" }, `${left} more views`);
    more.addEventListener("click", async () => {
      await this.#addViews(list, rest, first + views.length);
      list.children[first + views.length]?.querySelector("button")?.focus();
    });
    rest.append(more);
  }

  #view(view) {
    const words = element("p", {}, element("b", {}, `view ${view.view} `), view.words.join(", "));
    if (view.partner) words.append("; ", ...this.#partner(view.partner));
    const { bars, rest } = view.label;
    const lines = bars.map(([name, share]) => bar(foreign(name), share));
    if (rest > 0.0005) lines.push(bar("all others", rest, "others"));
    return element(
      "li",
      {},
      this.#image(view.picture, "view"),
      element("div", {}, words, element("ul", { className: "label", ariaLabel: "Label" }, ...lines)),
    );
  }

  #partner({ class: c, slot, name, share }) {
    const text = foreign(`${name}, slot ${slot}`);
    if (this.#source.image(c, slot) === null) return [`${percentText(share)} is `, text];
    const button = element("button", { type: "button", className: "link" }, text);
    button.addEventListener("click", () => this.open(c, slot));
    return [`${percentText(share)} is `, button];
  }

  /** The picture before or after this one, of its own class or the next that is shown. */
  #move(by) {
    if (this.#row === null) return;
    const [c, slot] = this.#row;
    const { classes } = this.#summary;
    const place = classes.findIndex((one) => one.class === c);
    if (place < 0) return;
    if (slot + by >= 0 && slot + by < classes[place].pictures) {
      this.open(c, slot + by);
      return;
    }
    const next = classes[place + by];
    if (next) this.open(next.class, by > 0 ? 0 : next.pictures - 1);
  }
}

function bar(name, share, kind = "") {
  const filled = element("span");
  filled.style.width = `${100 * share}%`;
  return element(
    "li",
    { className: kind },
    element("span", { className: "of" }, name),
    element("span", { className: "track" }, filled),
    element("span", { className: "value" }, percentText(share)),
  );
}

function problem(error) {
  return element("p", { className: "notice", role: "alert" }, visible(error.message));
}
