// The bytes of a file as a treemap: its parts, and the sections of each.

import { bytesText, element, foreign, numberText, percentText, visible } from "./dom.js";
import { squarify } from "./squarify.js";

const MOST_DRAWN = 20000;
const MOST_LISTED = 8;
const LINE = { width: 50, height: 20 }; // pixels that a line of text takes in a rectangle

/**
 * Draw the treemap of a summary. `goTo(class)` is called where somebody asks for the classes of a
 * section.
 */
export function showBytes(place, summary, goTo) {
  new Treemap(place, summary, goTo);
}

class Treemap {
  #parts;
  #whole;
  #goTo;
  #open = null;
  #drawn = []; // [{section, box}] of an open part
  #path = element("p", { className: "path" });
  #canvas = element("canvas", { ariaHidden: "true" });
  #names = element("div");
  #map = element("div", { className: "treemap" }, this.#canvas, this.#names);
  #list = element("ol", { className: "parts" });

  constructor(place, summary, goTo) {
    const parts = summary.parts.map((part) => ({ ...part, sections: sectionsOf(part, summary) }));
    this.#parts = parts.filter((part) => part.stored > 0).sort((a, b) => b.stored - a.stored);
    this.#whole = this.#parts.reduce((sum, part) => sum + part.stored, 0);
    this.#goTo = goTo;
    place.replaceChildren(this.#path, this.#map, this.#list);
    this.#map.addEventListener("pointermove", (event) => {
      const found = this.#sectionAt(event);
      if (found) this.#map.title = sectionText(found);
      else this.#map.removeAttribute("title");
    });
    this.#map.addEventListener("click", (event) => this.#choose(this.#sectionAt(event)));
    new ResizeObserver(() => this.#draw()).observe(this.#map);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    this.#show(null);
  }

  #show(part) {
    this.#open = part;
    if (part === null) {
      const words = `${numberText(this.#whole)} bytes; choose a part to see its sections`;
      this.#path.replaceChildren(words);
      this.#list.replaceChildren(...this.#parts.map((one) => this.#partLine(one)));
    } else {
      const count = part.sections.length;
      const pieces = count === 1 ? "one piece" : `${numberText(count)} sections`;
      const back = link("All bytes", () => this.#return(part));
      this.#path.replaceChildren(back, ` › ${part.name}, ${numberText(part.stored)} bytes in ${pieces}`);
      this.#list.replaceChildren(...this.#sectionLines(part));
      back.focus({ preventScroll: true });
    }
    this.#draw();
  }

  #return(part) {
    this.#show(null);
    this.#list.children[this.#parts.indexOf(part)].querySelector("button").focus({ preventScroll: true });
  }

  #choose(section) {
    if (section && section.classes[1] > 0) this.#goTo(section.classes[0]);
  }

  #draw() {
    const width = this.#map.clientWidth;
    const height = this.#map.clientHeight;
    if (width === 0) return;
    const scale = devicePixelRatio;
    Object.assign(this.#canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const pen = this.#canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.#map);
    const colour = (part) => style.getPropertyValue(`--part${part.colour}`);
    const paper = style.getPropertyValue("--paper");
    const box = { x: 0, y: 0, width, height };
    this.#drawn = [];
    if (this.#open === null) this.#drawParts(pen, box, colour, paper);
    else this.#drawSections(pen, box, colour(this.#open));
  }

  #drawParts(pen, whole, colour, paper) {
    const boxes = squarify(this.#parts.map((part) => part.stored), whole);
    const buttons = this.#parts.map((part, i) => {
      fill(pen, boxes[i], colour(part), 1);
      const cells = squarify(part.sections.map((section) => section.stored), boxes[i]);
      pen.globalAlpha = 0.4;
      for (const cell of cells) outline(pen, cell, paper);
      pen.globalAlpha = 1;
      const share = percentText(part.stored / this.#whole);
      const words = `${part.name}: ${bytesText(part.stored)}, ${share}`;
      const button = element("button", { type: "button", title: words, ariaLabel: words });
      if (roomFor(boxes[i])) button.append(element("span", {}, part.name));
      if (roomFor(boxes[i], 2)) button.append(element("small", {}, share));
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        this.#show(part);
      });
      return put(button, boxes[i]);
    });
    this.#names.replaceChildren(...buttons);
  }

  #drawSections(pen, whole, colour) {
    const { sections } = this.#open;
    const boxes = squarify(sections.map((section) => section.stored), whole);
    for (const box of boxes) fill(pen, box, colour, Math.min(1, box.width / 12));
    this.#drawn = sections.map((section, i) => ({ section, box: boxes[i] }));
    const named = this.#drawn.filter(({ box }) => roomFor(box));
    this.#names.replaceChildren(
      ...named.map(({ section, box }) => {
        const words = [foreign(section.scope)];
        if (roomFor(box, 2)) words.push(element("small", {}, bytesText(section.stored)));
        return put(element("div", {}, ...words), box);
      }),
    );
  }

  #sectionAt(event) {
    const corner = this.#map.getBoundingClientRect();
    const x = event.clientX - corner.left;
    const y = event.clientY - corner.top;
    const inside = ({ box }) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;
    return this.#drawn.find(inside)?.section;
  }

  #partLine(part) {
    const smaller = part.plain > part.stored ? `, ${(part.plain / part.stored).toFixed(1)} times smaller than plain` : "";
    const words = element("small", {}, part.buys + smaller);
    return line(part, link(part.name, () => this.#show(part)), part.stored, this.#whole, words);
  }

  #sectionLines(part) {
    const lines = part.sections.slice(0, MOST_LISTED).map((section) => {
      const scope = foreign(section.scope);
      const name = section.classes[1] > 0 ? link(scope, () => this.#choose(section)) : scope;
      return line(part, name, section.stored, part.stored, element("small", {}, foreign(section.codec)));
    });
    const more = part.sections.length - lines.length;
    if (more > 0) lines.push(element("li", {}, element("small", {}, `and ${numberText(more)} smaller ones`)));
    return lines;
  }
}

/** The sections of a part, largest first; of the header, which is no section, itself. */
function sectionsOf(part, summary) {
  const found = summary.sections.filter((section) => section.part === part.part && section.stored > 0);
  if (found.length === 0) return [{ ...NOWHERE, scope: "the whole artifact", codec: part.name, stored: part.stored }];
  found.sort((a, b) => b.stored - a.stored);
  if (found.length <= MOST_DRAWN) return found;
  const rest = found.splice(MOST_DRAWN);
  const stored = rest.reduce((sum, section) => sum + section.stored, 0);
  const scope = `${numberText(rest.length)} smaller sections`;
  return [{ ...NOWHERE, scope, codec: "", stored }, ...found];
}

const NOWHERE = { classes: [0, 0], slots: [0, 0], views: [0, 0] };

function line(part, name, stored, whole, words) {
  return element(
    "li",
    {},
    element("span", { className: `swatch part${part.colour}` }),
    name,
    element("span", { className: "amount" }, bytesText(stored)),
    element("span", { className: "share" }, percentText(stored / whole)),
    words,
  );
}

function link(content, action) {
  const button = element("button", { type: "button", className: "link" }, content);
  button.addEventListener("click", action);
  return button;
}

function fill(pen, { x, y, width, height }, colour, gap) {
  pen.fillStyle = colour;
  pen.fillRect(x, y, Math.max(0.3, width - gap), Math.max(0.3, height - gap));
}

function outline(pen, { x, y, width, height }, paper) {
  pen.strokeStyle = paper;
  pen.lineWidth = Math.min(1, width / 8);
  pen.strokeRect(x, y, width, height);
}

function sectionText(section) {
  return visible([section.scope, section.codec, `${numberText(section.stored)} bytes`].filter(Boolean).join(": "));
}

function roomFor({ width, height }, lines = 1) {
  return width >= LINE.width && height >= LINE.height * lines + 4;
}

function put(rectangle, { x, y, width, height }) {
  Object.assign(rectangle.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  return rectangle;
}
