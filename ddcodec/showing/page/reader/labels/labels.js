/** Labels of rows: from sections to logits and probabilities (spec/table.md, section 3, "Label"). */
import { DdzError } from "../errors.js";
import { pixelsOf } from "../synthesis/draw.js";
import { FeatureSet } from "./features.js";
import { logitsOf } from "./reconstruction.js";
import { probabilities } from "./softmax.js";

const NO_BOX = { top: 0, bottom: 0, left: 0, right: 0 };

export class Labels {
  /**
   * @param {import("../table/table.js").Table} table
   * @param {import("../table/draws.js").Draws} draws
   */
  constructor(table, draws) {
    this.table = table;
    this.draws = draws;
    /** @type {Map<number, FeatureSet>} by the origin's start */
    this.features = new Map();
  }

  /** @returns {Promise<Int16Array>} */
  async logits(c, s, v) {
    const { kind } = this.table.head.recipe.labels;
    if (kind !== "soft") throw new DdzError("request", `labels of the kind ${kind} have no stored logits`);
    const { section, values, row } = await this.row(c, s, v);
    const { name, params } = section.codec;
    const width = name === "soft-labels" ? params.columns : params.classes;
    const own = values.subarray(row * width, (row + 1) * width);
    return name === "top-k-labels" ? own : this.inLayers(c, s, v, own, params.step);
  }

  /** The section that holds a row's label, what it holds, and the row's number there. */
  async row(c, s, v) {
    const { section, at } = this.table.holder("labels", c, s, v);
    const { ipc, views } = this.table.head.recipe;
    const row = (at[0] * (section.box[3] || ipc) + at[1]) * (section.box[5] || views) + at[2];
    return { section, values: await this.table.decoded(section), row };
  }

  async inLayers(c, s, v, symbols, step) {
    const [start] = this.table.originOf(c);
    const { section } = this.table.holder("label-model", c);
    const model = await this.table.decoded(section);
    const { own, partner } = await this.draws.row(c, s, v);
    const box = partner?.box ?? NO_BOX;
    const features = this.featuresOf(start, section.codec.params);
    const shown = async (of, slot, draw, isPartner) => ({
      class: of - start,
      phi: features.of({ draw, partner: isPartner }, box),
      field: await this.field(model, of, slot, v),
    });
    const all = [await shown(c, s, own, false)];
    if (partner) all.push(await shown(partner.class, partner.slot, partner.draw, true));
    return logitsOf(model, all, symbols, step);
  }

  featuresOf(start, params) {
    const { view, size } = this.table.head.recipe;
    if (!this.features.has(start)) this.features.set(start, new FeatureSet(view, size, params));
    return this.features.get(start);
  }

  /** The field of the picture that a slot shows in a view. */
  async field(model, c, s, v) {
    const { atoms, features, variations } = model.params;
    if (atoms === 0) return null;
    const { section, at } = this.table.holder("label-fields", c, s);
    const slots = section.box[3] || this.table.head.pictureSlots;
    const row = (at[0] * slots + at[1]) * variations + (v % variations);
    const length = features * atoms;
    return (await this.table.decoded(section)).subarray(row * length, (row + 1) * length);
  }

  /** @returns {Promise<{start: number, probabilities: Float32Array}>} */
  async probabilities(c, s, v) {
    const [start, count] = this.table.originOf(c);
    const { kind, temperature } = this.table.head.recipe.labels;
    if (kind === "teacher")
      throw new DdzError(
        "not-rendered",
        "a stored teacher computes the label, which this reader does not run",
      );
    if (kind === "soft")
      return { start, probabilities: probabilities(await this.logits(c, s, v), temperature) };
    const { values, row } = await this.row(c, s, v);
    const index = values(row);
    const own = index < 0 ? c - start : index;
    if (own >= count) throw new DdzError("payload", "a hard label is beyond the classes of its origin");
    const out = new Float32Array(count);
    const { partner } = await this.draws.row(c, s, v);
    if (!partner) out[own] = 1;
    else this.share(out, own, partner.class - start, partner.box);
    return { start, probabilities: out };
  }

  /** The shares of a row and of its partner, rounded as the specification says. */
  share(out, own, other, box) {
    const [width, height] = this.table.head.recipe.size;
    const all = width * height;
    const kept = (all - pixelsOf(box)) / all;
    out[own] = Math.fround(kept);
    out[other] =
      own === other ? Math.fround(Math.fround(kept) + Math.fround(1 - kept)) : Math.fround(1 - kept);
  }
}
