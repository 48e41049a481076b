// The bytes of a file as a treemap: its parts, and the sections of each.

import { bytesText, element, foreign, numberText, percentText, visible } from "./dom.js";
import { squarify } from "./squarify.js";

const MOST_DRAWN = 1500;
const MOST_LISTED = 8;
const NAMED = { width: 58, height: 20 }; // pixels that a line of text takes in a rectangle

/**
 * Draw the treemap of a summary.
 *
 * `goTo(class)` is called where somebody asks for the classes of a section.
 */
export function showBytes(place, summary, goTo) {
  const parts = summary.parts.map((part) => ({ ...part, sections: sectionsOf(part, summary) }));
  parts.sort((a, b) => b.stored - a.stored);
  const whole = summary.parts.reduce((sum, part) => sum + part.stored, 0);
  const path = element("p", { className: "path" });
  const map = element("div", { className: "treemap", role: "group", "aria-label": "Treemap of bytes" });
  const list = element("ol", { className: "parts" });
  place.replaceChildren(path, map, list);
  let open = null;

  function draw() {
    const box = { x: 0, y: 0, width: map.clientWidth, height: map.clientHeight };
    if (box.width === 0) return;
    if (open === null) drawParts(map, parts, whole, box, zoom);
    else drawSections(map, open, box, choose);
  }

  function zoom(part) {
    open = part;
    showPath(path, open, whole, zoom);
    list.replaceChildren(...(open === null ? partLines(parts, whole, zoom) : sectionLines(open, choose)));
    draw();
    if (path.lastChild instanceof HTMLButtonElement || open !== null) path.firstChild.focus?.();
  }

  function choose(section) {
    if (section.classes[1] > 0) goTo(section.classes[0]);
  }

  showPath(path, null, whole, zoom);
  list.replaceChildren(...partLines(parts, whole, zoom));
  new ResizeObserver(draw).observe(map);
}

/** The sections of a part, largest first; of the header, which is no section, itself. */
function sectionsOf(part, summary) {
  const found = summary.sections.filter((section) => section.part === part.part && section.stored > 0);
  if (found.length === 0) {
    const ranges = { classes: [0, 0], slots: [0, 0], views: [0, 0] };
    return [{ ...ranges, scope: "the whole artifact", codec: part.name, stored: part.stored }];
  }
  return found.sort((a, b) => b.stored - a.stored);
}

/** The sections that are drawn: of very many, the smallest are one rectangle. */
function drawn(sections) {
  if (sections.length <= MOST_DRAWN) return sections;
  const rest = sections.slice(MOST_DRAWN);
  const stored = rest.reduce((sum, section) => sum + section.stored, 0);
  const others = { scope: `${numberText(rest.length)} smaller sections`, codec: "", classes: [0, 0], stored };
  return [...sections.slice(0, MOST_DRAWN), others].sort((a, b) => b.stored - a.stored);
}

function drawParts(map, parts, whole, box, zoom) {
  const shown = parts.filter((part) => part.stored > 0);
  const boxes = squarify(shown.map((part) => part.stored), box);
  map.replaceChildren(
    ...shown.map((part, i) => {
      const text = `${part.name}: ${bytesText(part.stored)}, ${percentText(part.stored / whole)}`;
      const properties = { className: `part part${part.colour}`, title: text, ariaLabel: text, type: "button" };
      const button = element("button", properties);
      button.addEventListener("click", () => zoom(part));
      put(button, boxes[i]);
      const inside = { x: 0, y: 0, width: boxes[i].width, height: boxes[i].height };
      const sections = drawn(part.sections);
      const cells = squarify(sections.map((section) => section.stored), inside);
      if (cells.length > 1) button.append(...cells.map((cell) => put(element("i"), cell)));
      if (roomFor(boxes[i])) button.append(element("span", {}, part.name));
      if (roomFor(boxes[i], 2)) button.append(element("small", {}, percentText(part.stored / whole)));
      return button;
    }),
  );
}

function drawSections(map, part, box, choose) {
  const sections = drawn(part.sections);
  const boxes = squarify(sections.map((section) => section.stored), box);
  map.replaceChildren(
    ...sections.map((section, i) => {
      const text = visible(sectionText(section));
      const properties = { className: `cell part${part.colour}`, title: text, ariaLabel: text, type: "button" };
      const button = element("button", { ...properties, tabIndex: i === 0 ? 0 : -1 });
      button.addEventListener("click", () => choose(section));
      if (roomFor(boxes[i])) button.append(foreign(section.scope));
      if (roomFor(boxes[i], 2)) button.append(element("small", {}, bytesText(section.stored)));
      return put(button, boxes[i]);
    }),
  );
}

function roomFor({ width, height }, lines = 1) {
  return width >= NAMED.width && height >= NAMED.height * lines + 4;
}

function sectionText(section) {
  return [section.scope, section.codec, `${numberText(section.stored)} bytes`].filter(Boolean).join(": ");
}

function put(rectangle, { x, y, width, height }) {
  Object.assign(rectangle.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  return rectangle;
}

function showPath(path, open, whole, zoom) {
  if (open === null) {
    path.replaceChildren(`${numberText(whole)} bytes; choose a part to see its sections`);
    return;
  }
  const back = element("button", { type: "button", className: "link" }, "All bytes");
  back.addEventListener("click", () => zoom(null));
  const count = open.sections.length;
  const words = `${open.name}, ${numberText(open.stored)} bytes in ${count === 1 ? "one piece" : `${numberText(count)} sections`}`;
  path.replaceChildren(back, ` › ${words}`);
}

function partLines(parts, whole, zoom) {
  return parts.map((part) => {
    const name = element("button", { type: "button", className: "link" }, part.name);
    name.addEventListener("click", () => zoom(part));
    const ratio = part.plain > part.stored ? `, ${(part.plain / part.stored).toFixed(1)} times smaller than plain` : "";
    return element(
      "li",
      {},
      element("span", { className: `swatch part${part.colour}` }),
      name,
      element("span", { className: "amount" }, bytesText(part.stored)),
      element("span", { className: "share" }, percentText(part.stored / whole)),
      element("small", {}, part.buys + ratio),
    );
  });
}

function sectionLines(part, choose) {
  const lines = part.sections.slice(0, MOST_LISTED).map((section) => {
    const scope = foreign(section.scope);
    const linked = section.classes[1] > 0;
    const name = linked ? element("button", { type: "button", className: "link" }, scope) : scope;
    if (linked) name.addEventListener("click", () => choose(section));
    return element(
      "li",
      {},
      element("span", { className: `swatch part${part.colour}` }),
      name,
      element("span", { className: "amount" }, bytesText(section.stored)),
      element("span", { className: "share" }, percentText(section.stored / part.stored)),
      element("small", {}, foreign(section.codec)),
    );
  });
  const more = part.sections.length - lines.length;
  if (more > 0) lines.push(element("li", {}, element("small", {}, `and ${numberText(more)} more, smaller ones`)));
  return lines;
}
