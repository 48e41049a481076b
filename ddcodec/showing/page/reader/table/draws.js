/** What is done to the pictures of a row: drawn from their seeds, or stored (spec/synthesis.md, section 3). */
import { DdzError } from "../errors.js";
import { drawOf, partnerOf, untouched, wordsOf } from "../synthesis/draw.js";

/**
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
    this.checkPartner(drawn, "header");
    const seed = await this.table.seed(drawn.class, drawn.slot);
    return { own, partner: { ...drawn, draw: drawOf(this.view, this.height, this.width, wordsOf(seed, v)) } };
  }

  async storedRow(c, s, v) {
    const [top, left, rows, columns, flip, dc, ds, ...ends] = await this.storedDraw(c, s, v);
    const own = { ...untouched(this.height, this.width), top, left, rows, columns, flip };
    const box = { top: ends[0], bottom: ends[1], left: ends[2], right: ends[3] };
    const mixes = box.top < box.bottom && box.left < box.right;
    if ((flip && !this.view.flip) || (mixes && !this.view.cutmix))
      throw new DdzError("payload", "a stored draw flips or mixes, and the recipe does not");
    if (!mixes) return { own, partner: null };
    const [start, count] = this.table.originOf(c);
    const partner = { class: c + dc, slot: s + ds };
    if (
      partner.class < start ||
      partner.class >= start + count ||
      partner.slot < 0 ||
      partner.slot >= this.table.head.pictureSlots
    )
      throw new DdzError("payload", "the partner of a stored draw is not in the table");
    this.checkPartner(partner, "header");
    const other = await this.storedDraw(partner.class, partner.slot, v);
    if (other[4] && !this.view.flip)
      throw new DdzError("payload", "a stored draw flips, and the recipe does not");
    const draw = {
      ...untouched(this.height, this.width),
      top: other[0],
      left: other[1],
      rows: other[2],
      columns: other[3],
      flip: other[4],
    };
    return { own, partner: { ...partner, draw, box } };
  }

  async storedDraw(c, s, v) {
    const { section, at } = this.table.holder("draws", c, s, v);
    const { head } = this.table;
    const slots = section.box[3] || head.pictureSlots;
    const views = section.box[5] || head.recipe.views;
    const row = (at[0] * slots + at[1]) * views + at[2];
    return (await this.table.decoded(section)).subarray(11 * row, 11 * row + 11);
  }

  checkPartner({ class: c }, code) {
    if (!this.table.structure().pictures.has(c))
      throw new DdzError(code, `class ${c}, which a view mixes in, has no pictures in this file`);
  }
}
