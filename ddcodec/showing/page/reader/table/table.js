/**
 * The table of a file: class x slot x view, with whatever its sections hold, decoded once and kept
 * in bounds (spec/table.md).
 */
import { codecOf } from "../codecs/index.js";
import { patchOf } from "../codecs/mosaics.js";
import { numbersOf } from "../codecs/teacher.js";
import { nameOf } from "../container/container.js";
import { DdzError } from "../errors.js";
import { headOf } from "../head/head.js";
import { ByteCache } from "./byte_cache.js";
import { checkStructure, originOf, sortedByKind } from "./structure.js";

/** @typedef {import("../container/index_map.js").Section} Section */
/** @typedef {import("../codecs/mosaics.js").Picture} Picture */

const MOST_VALUES = 2 ** 24;
/** Raw bytes that any section may have, and those that each value adds. */
const RAW = 2 ** 16;
const RAW_PER_VALUE = 32;

export class Table {
  /**
   * @param {import("../container/container.js").Container} container
   * @param {{decoder?: import("../codecs/mosaics.js").Decoder, cacheBytes?: number}} [options]
   */
  constructor(container, { decoder = noDecoder, cacheBytes = 256 * 2 ** 20 } = {}) {
    this.container = container;
    this.decoder = decoder;
    this.head = headOf(container.head);
    this.byKind = sortedByKind(this.head, container.sections);
    this.cache = new ByteCache(cacheBytes);
    this.checked = null;
  }

  /** Level *structure*: codecs, parameters and tiling; what classes have rows, and pictures. */
  structure() {
    return (this.checked ??= checkStructure(this.head, this.byKind));
  }

  /**
   * What a section holds, as its codec decodes it.
   * @param {Section} section
   */
  decoded(section) {
    return this.cache.get(
      `section ${section.number}`,
      () => this.decode(section),
      (value) => section.raw + (value.byteLength ?? section.raw),
    );
  }

  async decode(section) {
    this.structure();
    const codec = codecOf(section.codec);
    const shape = this.shapeOf(section);
    this.checkSize(section, shape);
    const raw = await this.container.raw(section);
    try {
      return codec.decode(raw, shape, section.codec.params);
    } catch (error) {
      if (error instanceof DdzError) error.message += ` (${nameOf(section)})`;
      throw error;
    }
  }

  /** Bounds what a section may make a reader allocate, before it is decompressed. */
  checkSize(section, shape) {
    const {
      kind,
      raw,
      box,
      codec: { name },
    } = section;
    const numbers = shape.reduce((a, b) => a * b, 1);
    let values = kind === "patches" ? numbers / 3 : numbers;
    if (name === "soft-labels") {
      const { atoms } = this.holder("label-model", box[0]).section.codec.params;
      values = Math.max(values, shape[0] * shape[1] * shape[2] * Math.max(1, atoms));
    }
    if (values > MOST_VALUES)
      throw new DdzError("limit-exceeded", `${nameOf(section)} holds too many values`);
    if (raw > mostRaw(section, numbers))
      throw new DdzError("payload", `${nameOf(section)} has more bytes than it can need`);
  }

  /** The shape of what a section holds (spec/table.md, section 2). */
  shapeOf({ kind, codec, box }) {
    const { recipe, pictureSlots, seedSlots, patchesPerSlot } = this.head;
    const { params } = codec;
    const classes = box[1];
    const slots = (undivided) => box[3] || undivided;
    const views = box[5] || recipe.views;
    switch (kind) {
      case "seeds":
        return [classes, slots(seedSlots)];
      case "patches":
        return [classes * box[3] * patchesPerSlot, params.height, params.width, 3];
      case "draws":
        return [classes, slots(pictureSlots), views, 11];
      case "latents":
        return [classes, slots(pictureSlots), patchesPerSlot, params.channels, params.height, params.width];
      case "prompts": {
        const [count, ...widths] = recipe.synthesis.vectors;
        return count ? [classes, count, widths.reduce((a, b) => a + b, 0)] : [classes];
      }
      case "labels": {
        const shape = [classes, slots(recipe.ipc), views];
        if (codec.name === "hard-labels") return shape;
        return [...shape, codec.name === "soft-labels" ? params.columns : this.originOf(box[0])[1]];
      }
      case "label-model":
        return [params.classes, params.features, params.atoms];
      case "label-fields":
        return [classes, slots(pictureSlots), params.variations, params.features, params.atoms];
      case "pixels":
        return [classes, slots(recipe.ipc), params.length];
      default:
        return [];
    }
  }

  /** @param {string} kind @returns {Section[]} */
  sectionsOf(kind) {
    return this.byKind.get(kind) ?? [];
  }

  /**
   * The section of a kind that holds a place, and the place within its box.
   * @param {string} kind
   * @param {number} c
   * @param {number} [s]
   * @param {number} [v]
   * @returns {{section: Section, at: [number, number, number]}}
   */
  holder(kind, c, s = 0, v = 0) {
    this.structure();
    const within = (i, start, count) => count === 0 || (i >= start && i < start + count);
    for (const section of this.sectionsOf(kind)) {
      const [c0, cn, s0, sn, v0, vn] = section.box;
      if (within(c, c0, cn) && within(s, s0, sn) && within(v, v0, vn))
        return { section, at: [c - c0, s - s0, v - v0] };
    }
    throw new DdzError("header", `no section of ${kind} holds class ${c}, slot ${s}, view ${v}`);
  }

  /** The origin that holds a class, [start, count]. */
  originOf(c) {
    return originOf(this.head, c);
  }

  /** The seed of a picture. @returns {Promise<import("../randomness.js").Seed>} */
  async seed(c, s) {
    const { section, at } = this.holder("seeds", c, s);
    return (await this.decoded(section))(at[0], at[1]);
  }

  /** Patch `j` of a slot, and whether its pixels are exact. @returns {Promise<{patch: Picture, exact: boolean}>} */
  async patch(c, s, j) {
    const { section, at } = this.holder("patches", c, s);
    const mosaic = await this.decoded(section);
    const picture = await this.cache.get(
      `pixels ${section.number}`,
      () => mosaic.rgb(this.decoder),
      ({ data }) => data.length,
    );
    const number = (at[0] * section.box[3] + at[1]) * this.head.patchesPerSlot + j;
    return { patch: patchOf(picture, mosaic, number), exact: mosaic.exact };
  }

  /** The text of a class's prompt, which stands in the recipe's. */
  async promptOf(c) {
    const { section, at } = this.holder("prompts", c);
    const text = section.codec.name === "prompt-text" ? (await this.decoded(section))[at[0]] : "";
    return text || this.head.names[c].replaceAll("_", " ");
  }
}

/** The most raw bytes of a section that holds so many numbers (spec/ddz.md, "Limits of an artifact"). */
function mostRaw({ kind, box, codec }, numbers) {
  const { name, params } = codec;
  const own = codecOf(codec).mostRaw?.(box[1]);
  if (own !== undefined) return own;
  if (name === "teacher-weights") return RAW + RAW_PER_VALUE * numbersOf(params);
  const means = kind === "label-model" ? params.classes * (params.classes + params.atoms) : 0;
  return RAW + RAW_PER_VALUE * (numbers + means);
}

/** Node has no decoder of WebP and AV1. @type {import("../codecs/mosaics.js").Decoder} */
async function noDecoder(_file, type) {
  throw new DdzError("not-rendered", `there is no decoder of ${type} here: give one as \`decoder\``);
}
