// The page: puts a summary on it, and joins wall, bytes and detail.

import { showBytes } from "./bytes.js";
import { Detail } from "./detail.js";
import { bytesText, element, foreign, numberText, visible } from "./dom.js";
import { Loader } from "./loader.js";
import { Wall } from "./wall.js";

const NARROW = "(max-width: 60rem)";

const find = (id) => document.getElementById(id);

/** Show what a source tells. */
export async function start(source) {
  let summary;
  try {
    summary = await source.summary();
  } catch (error) {
    find("name").textContent = "Nothing to show";
    notify(error.message);
    return;
  }
  open(source, summary);
}

function open(source, summary) {
  showHead(summary);
  const stopped = summary.problem !== null;
  const loader = new Loader((count) => showStatus(summary, count), { stopped });
  const place = find("wall");
  const detail = new Detail(find("detail"), {
    source,
    loader,
    summary,
    closed: (c, slot) => wall.focus(c, slot),
  });
  const wall = new Wall(place, {
    source,
    loader,
    size: summary.size,
    opened: (c, slot) => detail.open(c, slot),
  });
  showBytes(find("bytes"), summary, (c) => {
    find("search").value = "";
    search(wall, summary);
    wall.goTo(c);
  });
  find("search").addEventListener("input", () => search(wall, summary));
  document.addEventListener("keydown", slashSearches);
  search(wall, summary);
  const asked = /^#(\d+)\/(\d+)$/.exec(location.hash);
  if (asked) detail.open(Number(asked[1]), Number(asked[2]));
}

function showHead(summary) {
  document.title = `${visible(summary.name)} – ddcodec`;
  find("name").replaceChildren(foreign(summary.name));
  const [width, height] = summary.size;
  const pictures = summary.images / Math.max(1, summary.classes.length);
  const facts = [
    ["file", bytesText(summary.bytes)],
    ["classes", numberText(summary.classes.length)],
    ["pictures per class", numberText(Math.round(pictures))],
    ["views of each", numberText(summary.views)],
    ["pixels", `${width} × ${height}`],
    ["per picture", bytesText(summary.bytes / Math.max(1, summary.images))],
  ];
  const digest = element("dd", { className: "digest", title: summary.digest }, `${summary.digest.slice(0, 16)}…`);
  find("facts").replaceChildren(
    ...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
    element("div", {}, element("dt", {}, `content digest, format ${summary.format}`), digest),
  );
  const said = [summary.problem, summary.left_out].filter(Boolean);
  if (said.length > 0) notify(said.join(" "));
  const recipe = find("recipe");
  recipe.open = !matchMedia(NARROW).matches;
  recipe.querySelector("dl").replaceChildren(...byTopic(summary.recipe));
  const info = find("info");
  info.hidden = summary.info.length === 0;
  info.querySelector("dl").replaceChildren(
    ...summary.info.flatMap(([key, text]) => [element("dt", {}, foreign(key)), element("dd", {}, foreign(text))]),
  );
}

/** Sentences of one topic are one paragraph. */
function byTopic(sentences) {
  const topics = new Map();
  for (const [topic, sentence] of sentences) topics.set(topic, [...(topics.get(topic) ?? []), sentence]);
  return [...topics].flatMap(([topic, all]) => [
    element("dt", {}, topic),
    element("dd", {}, foreign(all.join(" "))),
  ]);
}

function search(wall, summary) {
  const words = find("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = summary.classes.filter((one) => {
    const name = `${one.name} ${one.id ?? ""}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
  wall.show(found);
  const all = summary.classes.length;
  const which = words.length > 0 ? `${numberText(found.length)} of ${numberText(all)}` : numberText(all);
  find("count").value = found.length === 0 ? "no class is called so" : `${which} ${all === 1 ? "class" : "classes"}`;
}

function slashSearches(event) {
  const typing = event.target.closest("input, textarea, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  find("search").focus();
  find("search").select();
}

function showStatus(summary, count) {
  if (!summary.generated) return;
  find("status").textContent = count > 0 ? `drawing ${numberText(count)} pictures…` : "";
}

function notify(text) {
  find("notice").hidden = false;
  find("notice").textContent = visible(text);
}
