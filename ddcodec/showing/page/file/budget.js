/** Where the bytes of a file go, and what each part buys. */
import { numbersOf } from "../reader/codecs/teacher.js";
import { KINDS } from "../reader/registry.js";
import { ClassSet } from "../reader/table/ranges.js";
import { bytesText, fixed, grouped } from "./text.js";

const NAMES = {
  labels: "labels",
  teacher: "stored teacher",
  patches: "pictures",
  latents: "latents",
  prompts: "prompts",
  draws: "draws of views",
  seeds: "seeds",
  schedule: "schedule table",
  pixels: "pixel digests",
  container: "header",
};
const COLOURS = { patches: 0, latents: 0, labels: 1, teacher: 1, prompts: 2, seeds: 3, container: 4 };
const REST = 5;

/** @typedef {import("../reader/artifact.js").Artifact} Artifact */
/** @typedef {import("../reader/container/index_map.js").Section} Section */

/** Whether a section is a layer of soft labels. @param {Section} section */
const isLayer = ({ kind, codec }) =>
  kind === "label-model" || kind === "label-fields" || (kind === "labels" && codec.name === "soft-labels");

/** The part of the budget that a section belongs to. @param {Section} section */
export const partOf = (section) => (isLayer(section) ? "labels" : section.kind);

/**
 * Bytes of a section's content as people ship it today: pixels of a byte, labels of 16 bits.
 * @param {Artifact} artifact
 * @param {Section} section
 */
export function plainBytes({ head, table }, section) {
  const { kind, box, raw } = section;
  if (!KINDS[kind]) return 0;
  const product = (shape) => shape.reduce((a, b) => a * b, 1);
  const shape = kind === "labels" ? [] : table.shapeOf(section);
  switch (kind) {
    case "seeds":
      return 8 * product(shape);
    case "patches":
    case "pixels":
      return product(shape);
    case "latents":
      return 2 * product(shape);
    case "prompts":
      return shape.length > 1 ? 2 * product(shape) : raw;
    // As FKD has them: four numbers of 32 bits, a boolean and, where views mix, one of 64 bits.
    case "draws":
      return (head.recipe.view.cutmix ? 25 : 17) * product(shape.slice(0, 3));
    case "labels": {
      const columns = head.recipe.labels.kind === "soft" ? table.originOf(box[0])[1] : 1;
      return 2 * box[1] * (box[3] || head.recipe.ipc) * (box[5] || head.recipe.views) * columns;
    }
    case "label-model":
    case "label-fields":
      return 0;
    case "teacher":
      return 4 * numbersOf(section.codec.params);
    default:
      return raw;
  }
}

/**
 * The lines of the budget, those of one colour together, the largest of each first.
 * @param {Artifact} artifact
 */
export function partsOf(artifact) {
  const { container } = artifact;
  const parts = new Map([["container", { stored: container.headLength, plain: 0 }]]);
  for (const section of container.sections) {
    const name = partOf(section);
    const part = parts.get(name) ?? { stored: 0, plain: 0 };
    parts.set(name, {
      stored: part.stored + section.stored,
      plain: part.plain + plainBytes(artifact, section),
    });
  }
  const buys = purposes(artifact, parts);
  const all = [...parts].map(([part, { stored, plain }]) => ({
    part,
    name: NAMES[part] ?? part,
    colour: COLOURS[part] ?? REST,
    stored,
    plain,
    buys: buys[part] ?? "",
  }));
  return all.sort((a, b) => a.colour - b.colour || b.stored - a.stored);
}

function purposes({ head }, parts) {
  const { recipe } = head;
  const classes = head.rows.reduce((sum, [, count]) => sum + count, 0);
  const images = classes * recipe.ipc;
  const labels = images * recipe.views;
  const each = (kind, count, one) => {
    const price = (parts.get(kind)?.stored ?? 0) / Math.max(1, count);
    return price < 99.95
      ? `${grouped(price, 1)} B per ${one}`
      : `${bytesText(Number(fixed(price, 0)))} per ${one}`;
  };
  const pictures = `${grouped(images)} pictures of ${recipe.size[0]} x ${recipe.size[1]} px`;
  const drawn = `crops, flips and partners of ${grouped(labels)} views`;
  return {
    patches: `${pictures}: ${each("patches", images, "picture")}`,
    latents: `what ${pictures} are generated from: ${each("latents", images, "picture")}`,
    prompts: `what is generated for each of ${grouped(classes)} classes: ${each("prompts", classes, "class")}`,
    schedule: "the steps by which the prior generates pictures, replayed exactly",
    labels: `${grouped(labels)} labels, one of every view: ${each("labels", labels, "label")}`,
    teacher: `${grouped(labels)} labels, computed on decoding: ${each("teacher", labels, "label")}`,
    seeds: drawn + (head.prior ? ", and the noise of pictures" : ""),
    draws: `${drawn}, as they were: ${each("draws", labels, "view")}`,
    pixels: `proof that pictures are what they were: ${each("pixels", images, "picture")}; no student needs it`,
    container: "class names, recipe, where each part lies, and where it all comes from",
  };
}

/**
 * What soft or computed labels take: their number, bytes in the file, and bytes as numbers of 16 bits.
 * @param {Artifact} artifact
 */
export function labelBytes({ head, container }) {
  const { ipc, views } = head.recipe;
  const rows = new ClassSet(head.rows);
  const stored = container.sections.reduce(
    (sum, s) => sum + (isLayer(s) || s.kind === "labels" ? s.stored : 0),
    0,
  );
  const plain = head.origins.reduce(
    (sum, [start, count]) => sum + 2 * ipc * views * count * (rows.rank(start + count) - rows.rank(start)),
    0,
  );
  return { count: ipc * views * rows.size, stored, plain };
}

/** The slot axis of a kind, and which slots a box holds. */
function slotsOf(head, { kind, box }) {
  const { axes, of } = KINDS[kind];
  const most = !axes.includes("s")
    ? 1
    : kind === "seeds"
      ? head.seedSlots
      : of === "rows"
        ? head.recipe.ipc
        : head.pictureSlots;
  return { most, first: box[3] ? box[2] : 0, end: box[3] ? Math.min(box[2] + box[3], most) : most };
}

/**
 * The share of each part that a picture has to itself or shares, largest first.
 * @param {Artifact} artifact
 */
export function bytesOf({ head, table }, c, slot) {
  const found = new Map();
  for (const [kind, { axes, of }] of Object.entries(KINDS)) {
    if (of !== "pictures" && of !== "rows") continue;
    for (const section of table.sectionsOf(kind)) {
      const { first, end } = slotsOf(head, section);
      const divided = axes.includes("s");
      const [start, count] = section.box;
      if (c < start || c >= start + count || (divided && (slot < first || slot >= end))) continue;
      const name = NAMES[partOf(section)];
      const share = section.stored / (count * (divided ? end - first : head.recipe.ipc));
      found.set(name, (found.get(name) ?? 0) + share);
    }
  }
  return [...found].sort((a, b) => b[1] - a[1]);
}

/**
 * What a slice keeps besides its own pictures, in words; nothing of an artifact as it was encoded.
 * @param {Artifact} artifact
 * @returns {string[]}
 */
export function supportWords({ head, table }) {
  const { rows, pictures } = table.structure();
  let [stored, surplus] = [0, 0];
  for (const kind of Object.keys(KINDS).filter((name) => KINDS[name].of === "pictures"))
    for (const section of table.sectionsOf(kind)) {
      const { most, first, end } = slotsOf(head, section);
      const { box } = section;
      const each = section.stored / (box[1] * (box[3] || most));
      const [shown, seen] = [rows, pictures].map((set) => set.rank(box[0] + box[1]) - set.rank(box[0]));
      const own = head.recipe.view.slots ? Math.min(end, head.recipe.ipc) : end;
      stored += each * (seen * (end - first) - shown * Math.max(0, own - first));
      surplus += section.stored - each * seen * (end - first);
    }
  const classes = pictures.size - rows.size;
  [stored, surplus] = [stored, surplus].map((bytes) => Number(fixed(bytes, 0)));
  const whose = classes ? `${classes} ${classes === 1 ? "class" : "classes"}` : "other slots";
  return [
    ...(classes || stored ? [`${whose}, ${grouped(stored)} bytes, for CutMix`] : []),
    ...(surplus ? [`${grouped(surplus)} bytes of mosaics that cannot be cut without loss`] : []),
  ];
}
