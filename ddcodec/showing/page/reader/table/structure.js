/**
 * Whether the sections of a file hold its table: kinds, boxes, codecs and tiling (spec/table.md,
 * section 2). The cost goes with the number of sections, never with that of rows.
 */
import { codecOf } from "../codecs/index.js";
import { DdzError } from "../errors.js";
import { featureCount } from "../labels/features.js";
import { KINDS } from "../registry.js";
import { ClassSet, tiles } from "./ranges.js";

/** @typedef {import("../container/index_map.js").Section} Section */
/** @typedef {import("../head/head.js").Head} Head */

const refuse = (message, code = "header") => {
  throw new DdzError(code, message);
};

/**
 * The kinds of which a recipe uses sections.
 * @param {Head} head
 */
export function kindsOf({ recipe }) {
  const kinds = new Set(["seeds", "pixels"]);
  const { kind, base } = recipe.synthesis;
  if (kind === "stored" || base === "patches") kinds.add("patches");
  if (base === "latents") kinds.add("latents");
  if (kind !== "stored") kinds.add("prompts").add("schedule");
  if (recipe.view.kind === "stored") kinds.add("draws");
  if (recipe.labels.kind === "teacher") kinds.add("teacher");
  else kinds.add("labels");
  if (recipe.labels.kind === "soft") kinds.add("label-model").add("label-fields");
  return kinds;
}

/**
 * The sections of each kind that the recipe uses; ancillary ones of unknown kinds are left out.
 * Refuses a critical kind that is unknown, one that the recipe does not use, and impossible boxes.
 * @param {Head} head
 * @param {Section[]} sections
 * @returns {Map<string, Section[]>}
 */
export function sortedByKind(head, sections) {
  const used = kindsOf(head);
  /** @type {Map<string, Section[]>} */
  const byKind = new Map([...used].map((kind) => [kind, []]));
  for (const section of sections) {
    if (KINDS[section.kind]) {
      if (!used.has(section.kind)) refuse(`the recipe does not use sections of ${section.kind}`);
      checkBox(head, section);
      byKind.get(section.kind).push(section);
    } else if (!(section.flags & 1)) refuse(`the kind ${section.kind} is unknown`, "unknown-codec");
  }
  return byKind;
}

/** A box that its kind may have: divided by its axes alone, and within the table. */
function checkBox(head, { kind, box }) {
  const { axes, of } = KINDS[kind];
  const [, classes, slot, slots, view, views] = box;
  const bad = () => refuse(`a section of ${kind} has a box that none may have`);
  if (axes.includes("c") ? classes === 0 || box[0] + classes > head.classes.length : classes !== 0) bad();
  if (slots && !axes.includes("s")) bad();
  if (views && !axes.includes("v")) bad();
  if (kind === "patches") {
    if (slots === 0) bad();
    return;
  }
  const most = kind === "seeds" ? head.seedSlots : of === "rows" ? head.recipe.ipc : head.pictureSlots;
  if (slot + slots > most || view + views > head.recipe.views) bad();
  const [start, count] = axes ? originOf(head, box[0]) : [0, 0];
  if (of === "origins" && (start !== box[0] || count !== classes)) bad();
  if ((kind === "labels" || kind === "label-fields") && box[0] + classes > start + count) bad();
}

/**
 * The origin that holds a class, [start, count].
 * @param {Head} head
 * @param {number} c
 */
export function originOf(head, c) {
  let [low, high] = [0, head.origins.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (head.origins[middle][0] <= c) low = middle + 1;
    else high = middle;
  }
  return head.origins[low - 1];
}

/**
 * Checks codecs and tiling.
 * @param {Head} head
 * @param {Map<string, Section[]>} byKind
 * @returns {{rows: ClassSet, pictures: ClassSet}} the classes that have rows, and pictures
 */
export function checkStructure(head, byKind) {
  for (const [kind, sections] of byKind) for (const section of sections) checkCodec(head, kind, section);
  const rows = new ClassSet(head.rows);
  const pictures = new ClassSet([...head.rows, ...byKind.get("seeds").map(({ box }) => box)]);
  const { ipc, views } = head.recipe;
  const { pictureSlots, seedSlots } = head;
  /** @type {Record<string, [ClassSet, number, number]>} */
  const regions = {
    seeds: [pictures, seedSlots, 1],
    patches: [pictures, pictureSlots, 1],
    latents: [pictures, pictureSlots, 1],
    draws: [pictures, pictureSlots, views],
    prompts: [pictures, 1, 1],
    labels: [rows, ipc, views],
    pixels: [rows, ipc, 1],
  };
  for (const [kind, [classes, slots, depth]] of Object.entries(regions)) {
    const sections = byKind.get(kind);
    if (!sections || (kind === "pixels" && sections.length === 0)) continue;
    checkTiling(kind, sections, classes, slots, depth);
  }
  if (byKind.has("schedule") && byKind.get("schedule").length !== 1) refuse("there is not one schedule");
  checkOrigins(head, byKind, rows, pictures);
  return { rows, pictures };
}

/** Every place of (classes) x (slots) x (views) lies in exactly one box, and no box holds another. */
function checkTiling(kind, sections, classes, slots, views) {
  const boxes = [];
  for (const { box } of sections) {
    const spare = kind === "patches";
    if (!spare && !classes.covers(box[0], box[1]))
      refuse(`a section of ${kind} holds classes that have none`);
    const span = (start, count, most) => (count ? [start, Math.min(start + count, most)] : [0, most]);
    const cell = [
      classes.rank(box[0]),
      classes.rank(box[0] + box[1]),
      ...span(box[2], box[3], slots),
      ...span(box[4], box[5], views),
    ];
    if (cell[0] < cell[1] && cell[2] < cell[3]) boxes.push(cell);
  }
  if (!tiles(boxes, [classes.size, slots, views])) refuse(`sections of ${kind} leave a hole, or overlap`);
}

/** Codec, parameters and size of a section. */
function checkCodec(head, kind, section) {
  const { name, params } = section.codec;
  codecOf(section.codec);
  if (!KINDS[kind].codecs.includes(name)) refuse(`a section of ${kind} has the codec ${name}`);
  const { synthesis, labels, size, variations } = head.recipe;
  if (kind === "prompts" && (name === "prompt-text") !== (synthesis.vectors[0] === 0))
    refuse("prompts of another codec");
  if (kind === "labels" && (name === "hard-labels") !== (labels.kind === "hard"))
    refuse("labels of another codec");
  if (name === "seed-derived" && section.box[3] !== 0) refuse("derived seeds are never divided by slots");
  if (kind === "draws" && (params.width !== size[0] || params.height !== size[1]))
    refuse("draws for pictures of another size");
  if (kind === "label-model") {
    if (params.classes !== section.box[1]) refuse("a label model of another number of classes");
    if (params.features !== featureCount(head.recipe.view, params)) refuse("a label model of other features");
    if (params.variations !== 1 && params.variations !== variations)
      refuse("a label model of other variations");
  }
  if (kind === "teacher" && (params.classes !== section.box[1] || size.some((side) => side !== params.side)))
    refuse("a teacher of other classes, or of pictures of another size");
}

/** What the labels of each origin need: a model, and fields of its pictures. */
function checkOrigins(head, byKind, rows, pictures) {
  for (const kind of ["label-model", "teacher"])
    if (new Set(byKind.get(kind)?.map(({ box }) => box[0])).size !== (byKind.get(kind)?.length ?? 0))
      refuse(`two sections of ${kind} for one origin`);
  const models = new Map((byKind.get("label-model") ?? []).map((section) => [section.box[0], section]));
  const grouped = (kind) => {
    const groups = new Map();
    for (const section of byKind.get(kind) ?? []) {
      const [start] = originOf(head, section.box[0]);
      groups.has(start) ? groups.get(start).push(section) : groups.set(start, [section]);
    }
    return groups;
  };
  const labels = grouped("labels");
  const fields = grouped("label-fields");
  const teachers = new Set(byKind.get("teacher")?.map(({ box }) => box[0]));
  for (const [start, count] of head.origins) {
    if (
      head.recipe.labels.kind === "teacher" &&
      !teachers.has(start) &&
      rows.rank(start + count) > rows.rank(start)
    )
      refuse("there is no teacher for the rows of an origin");
    const soft = (labels.get(start) ?? []).filter(({ codec }) => codec.name === "soft-labels");
    const model = models.get(start)?.codec.params;
    if (soft.length && !model) refuse("there is no label model for the rows of an origin");
    for (const { codec } of soft) checkColumns(codec.params, model);
    const own = fields.get(start) ?? [];
    if (!soft.length || model.atoms === 0) {
      if (own.length) refuse("there are fields that no label needs");
      continue;
    }
    for (const {
      codec: { params },
    } of own)
      if (
        params.atoms !== model.atoms ||
        params.features !== model.features ||
        params.variations !== model.variations
      )
        refuse("fields that do not fit their model");
    checkTiling("label-fields", own, pictures.within(start, count), head.pictureSlots, 1);
  }
}

function checkColumns({ columns, step }, { atoms, classes }) {
  if (columns !== 0 && columns !== (step === 0 ? atoms : classes))
    refuse("labels of another number of columns");
}
