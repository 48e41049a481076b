// The wall of pictures: a line for each class, filled while it is near the window.

import { element, foreign, numberText } from "./dom.js";

const AHEAD = "400px 0px"; // around the window, within which lines are filled
const AT_A_TIME = 1000; // lines that are put on the page before somebody scrolls to their end
const MORE = 200; // pictures of an open class that are added at a time

export class Wall {
  #place;
  #source;
  #loader;
  #opened;
  #classes = [];
  #lines = new Map();
  #shown = new Map(); // how many pictures of each class that was opened
  #fit = 1;
  #near;
  #end;

  /** `opened(class, slot)` is called where somebody opens a picture. */
  constructor(place, { source, loader, size, opened }) {
    this.#place = place;
    this.#source = source;
    this.#loader = loader;
    this.#opened = opened;
    const [width, height] = shownSize(size);
    place.style.setProperty("--width", `${width}px`);
    place.style.setProperty("--height", `${height}px`);
    place.classList.toggle("pixels", Math.max(...size) <= 64);
    this.#near = new IntersectionObserver((changes) => this.#scrolled(changes), { rootMargin: AHEAD });
    this.#end = new IntersectionObserver((changes) => {
      if (changes.some((change) => change.isIntersecting)) this.#append();
    }, { rootMargin: AHEAD });
    new ResizeObserver(() => this.#measure()).observe(place);
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show these classes, and no others. */
  show(classes) {
    this.#near.disconnect();
    this.#end.disconnect();
    this.#classes = classes;
    this.#lines.clear();
    this.#place.replaceChildren();
    this.#append();
  }

  /** Bring a class into sight, and its first picture into focus. */
  goTo(c) {
    while (!this.#lines.has(c) && this.#lines.size < this.#classes.length) this.#append();
    const line = this.#lines.get(c);
    if (line === undefined) return;
    line.element.scrollIntoView({ block: "start" });
    this.#fill(line);
    line.strip.querySelector("button")?.focus({ preventScroll: true });
  }

  /** Put a picture into focus, where its line is on the page. */
  focus(c, slot) {
    const line = this.#lines.get(c);
    if (line === undefined) return;
    this.#fill(line);
    (line.strip.querySelector(`[data-slot="${slot}"]`) ?? line.strip.lastElementChild)?.focus();
  }

  #append() {
    const from = this.#lines.size;
    const added = this.#classes.slice(from, from + AT_A_TIME).map((one) => this.#line(one));
    this.#place.append(...added.map((line) => line.element));
    for (const line of added) this.#near.observe(line.element);
    this.#end.disconnect();
    if (this.#lines.size < this.#classes.length) this.#end.observe(this.#place.lastElementChild);
  }

  #line(one) {
    const name = element("h3", {}, foreign(one.name));
    if (one.id !== null) name.append(" ", foreign(one.id, { className: "id" }));
    const strip = element("div", { className: "strip", role: "group" });
    strip.setAttribute("aria-label", `${numberText(one.pictures)} pictures`);
    const line = { ...one, strip, element: element("section", { className: "line" }, name, strip) };
    line.element.dataset.class = one.class;
    this.#lines.set(one.class, line);
    return line;
  }

  #scrolled(changes) {
    for (const { target, isIntersecting } of changes) {
      const line = this.#lines.get(Number(target.dataset.class));
      if (line === undefined) continue;
      if (isIntersecting) this.#fill(line);
      else if (!line.strip.contains(document.activeElement)) this.#empty(line);
    }
  }

  #fill(line) {
    if (line.filled) return;
    line.filled = true;
    const open = this.#shown.get(line.class) ?? 0;
    const all = line.pictures <= Math.max(this.#fit, open);
    const count = all ? line.pictures : open || Math.max(1, this.#fit - 1);
    line.element.classList.toggle("open", open > 0);
    const made = Array.from({ length: count }, (_, slot) => this.#picture(line, slot));
    if (!all) made.push(this.#more(line, line.pictures - count));
    line.strip.replaceChildren(...made.map((one) => one.button));
    for (const { image, url } of made) if (image) this.#loader.load(image, url);
  }

  #empty(line) {
    line.filled = false;
    if (!line.element.classList.contains("open")) line.strip.replaceChildren();
    else line.filled = true; // an open line keeps its height by what is in it
  }

  #picture(line, slot) {
    const image = element("img", { alt: "", decoding: "async", draggable: false });
    const button = element("button", { type: "button", className: "picture", tabIndex: slot ? -1 : 0 }, image);
    button.ariaLabel = `${line.name}, slot ${slot}`;
    button.dataset.slot = slot;
    button.addEventListener("click", () => this.#opened(line.class, slot));
    return { button, image, url: this.#source.image(line.class, slot) };
  }

  #more(line, left) {
    const text = `+${numberText(left)}`;
    const button = element("button", { type: "button", className: "more", tabIndex: -1 }, text);
    button.ariaLabel = `${numberText(left)} more pictures of ${line.name}`;
    button.addEventListener("click", () => {
      const before = line.strip.childElementCount - 1;
      this.#shown.set(line.class, before + MORE);
      line.filled = false;
      this.#fill(line);
      line.strip.children[before]?.focus();
    });
    return { button };
  }

  #measure() {
    const line = this.#lines.values().next().value;
    if (line === undefined) return;
    const style = getComputedStyle(line.strip);
    const gap = Number.parseFloat(style.columnGap) || 0;
    const width = Number.parseFloat(style.getPropertyValue("--width"));
    const fit = Math.max(1, Math.floor((line.strip.clientWidth + gap) / (width + gap)));
    if (fit === this.#fit) return;
    this.#fit = fit;
    for (const one of this.#lines.values()) {
      if (!one.filled) continue;
      one.filled = false;
      this.#fill(one);
    }
  }

  /** Arrows move among pictures; Home and End go to the ends of a line. */
  #key(event) {
    const button = event.target.closest(".strip > button");
    if (button === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const strip = button.parentElement;
    const place = [...strip.children].indexOf(button);
    const goal = {
      ArrowLeft: () => strip.children[place - 1],
      ArrowRight: () => strip.children[place + 1],
      Home: () => strip.firstElementChild,
      End: () => strip.lastElementChild,
      ArrowUp: () => this.#beside(strip, button, "previousElementSibling", place),
      ArrowDown: () => this.#beside(strip, button, "nextElementSibling", place),
    }[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    const next = goal();
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #beside(strip, button, way, place) {
    // Within an open line, first to the picture above or below.
    const left = (one) => one.offsetLeft === button.offsetLeft;
    const inside = [...strip.children].filter(left);
    const next = inside[inside.indexOf(button) + (way === "nextElementSibling" ? 1 : -1)];
    if (next) return next;
    const other = strip.parentElement[way];
    if (!other) return undefined;
    const line = this.#lines.get(Number(other.dataset.class));
    this.#fill(line);
    return line.strip.children[Math.min(place, line.strip.childElementCount - 1)];
  }
}

/** Width and height of a picture on the page: small ones in whole multiples of their pixels. */
function shownSize([width, height]) {
  const longest = Math.max(width, height);
  const factor = longest <= 64 ? Math.floor(64 / longest) : Math.min(1, 96 / longest);
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
}
