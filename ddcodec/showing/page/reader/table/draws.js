/** What is done to the pictures of a row: drawn from their seeds, or stored (spec/synthesis.md, section 3). */
import { DdzError } from "../errors.js";
import { drawOf, partnerOf, pixelsOf, untouched, wordsOf } from "../synthesis/draw.js";

/**
 * What is done to the picture of a row, and to its partner; null where nothing of a partner shows.
 * @typedef {import("../synthesis/draw.js").Draw} Draw
 * @typedef {import("../synthesis/draw.js").Box} Box
 * @typedef {{own: Draw, partner: {class: number, slot: number, draw: Draw, box: Box} | null}} RowDraw
 */

export class Draws {
  /** @param {import("./table.js").Table} table */
  constructor(table) {
    this.table = table;
    const { recipe } = table.head;
    [this.width, this.height] = recipe.size;
    this.view = recipe.view;
    this.stored = this.view.kind === "stored";
  }

  /**
   * @param {number} c
   * @param {number} s
   * @param {number} v
   * @returns {Promise<RowDraw>}
   */
  async row(c, s, v) {
    if (this.stored) return this.storedRow(c, s, v);
    if (v === 0) return { own: untouched(this.height, this.width), partner: null };
    const words = wordsOf(await this.table.seed(c, s), v);
    const own = drawOf(this.view, this.height, this.width, words);
    if (!this.view.cutmix) return { own, partner: null };
    const [start, count] = this.table.originOf(c);
    const drawn = partnerOf(this.view, this.height, this.width, words, { start, count, class: c, slot: s });
    if (!pixelsOf(drawn.box)) return { own, partner: null };
    this.checkPartner(drawn.class);
    const seed = await this.table.seed(drawn.class, drawn.slot);
    const draw = drawOf(this.view, this.height, this.width, wordsOf(seed, v));
    return { own, partner: { ...drawn, draw } };
  }

  async storedRow(c, s, v) {
    const numbers = await this.storedDraw(c, s, v);
    const own = this.cropOf(numbers);
    const [dc, ds, top, bottom, left, right] = numbers.subarray(5);
    const box = { top, bottom, left, right };
    if (!pixelsOf(box)) return { own, partner: null };
    if (!this.view.cutmix) throw new DdzError("payload", "a stored draw mixes, and the recipe does not");
    const [start, count] = this.table.originOf(c);
    const partner = { class: c + dc, slot: s + ds };
    const within = (i, from, length) => i >= from && i < from + length;
    if (!within(partner.class, start, count) || !within(partner.slot, 0, this.table.head.pictureSlots))
      throw new DdzError("payload", "the partner of a stored draw is not in the table");
    this.checkPartner(partner.class);
    const draw = this.cropOf(await this.storedDraw(partner.class, partner.slot, v));
    return { own, partner: { ...partner, draw, box } };
  }

  /** The first five numbers of a stored draw. */
  cropOf([top, left, rows, columns, flip]) {
    if (flip && !this.view.flip)
      throw new DdzError("payload", "a stored draw flips, and the recipe does not");
    return { ...untouched(this.height, this.width), top, left, rows, columns, flip };
  }

  /** The eleven numbers that are stored of a row. */
  async storedDraw(c, s, v) {
    const { section, at } = this.table.holder("draws", c, s, v);
    const { head } = this.table;
    const slots = section.box[3] || head.pictureSlots;
    const views = section.box[5] || head.recipe.views;
    const row = (at[0] * slots + at[1]) * views + at[2];
    return (await this.table.decoded(section)).subarray(11 * row, 11 * row + 11);
  }

  checkPartner(c) {
    if (!this.table.structure().pictures.has(c))
      throw new DdzError("header", `class ${c}, which a view mixes in, has no pictures in this file`);
  }
}
