/** Stored draws of views (spec/codecs.md, section 12). */
import { Cursor } from "../bytes.js";
import { unpack, unsigned } from "../entropy/packed.js";
import { shaped, wrong } from "./parameters.js";

const FIELDS = 11;
const COLUMNS = Uint32Array.from({ length: 9 }, (_, i) => i);

export const viewDraws = {
  ranges: { height: [1, 8192], width: [1, 8192] },
  /** @returns {Int32Array} [classes][slots][views][11] */
  decode(raw, [classes, slots, views, fields], { height, width }) {
    shaped(fields === FIELDS);
    const cursor = new Cursor(raw);
    const most = cursor.u32();
    const length = cursor.u32();
    if (most > classes * slots || (most === 0 && length !== 0)) wrong("a view has more boxes than pictures");
    const coded = cursor.take(length);
    const boxes = most ? unpack(coded, views * most, COLUMNS.subarray(0, 4)) : new Int32Array(0);
    for (let i = 0; i < boxes.length; i += 4) {
      const [t, h, l, w] = boxes.subarray(i, i + 4);
      if (t < 0 || h < 0 || l < 0 || w < 0 || t + h > height || l + w > width)
        wrong("a box is not within the picture");
    }
    const rows = unpack(cursor.take(cursor.left), classes * slots * views, COLUMNS);
    const out = new Int32Array(classes * slots * views * FIELDS);
    for (let row = 0; row < classes * slots * views; row++)
      cropOf(rows.subarray(9 * row, 9 * row + 9), height, width, out, FIELDS * row);
    for (let view = 0; view < views; view++) mix(rows, boxes, out, { classes, slots, views, most, view });
    return out;
  },
};

/** Crop and flip of a row: the first five fields. */
function cropOf([a, b, t, l, f], height, width, out, at) {
  const short = unsigned(a);
  const rows = height - short;
  const columns = width - Math.floor((short * width) / height) - b;
  const top = t + Math.floor((height - rows) / 2);
  const left = l + Math.floor((width - columns) / 2);
  const within = (start, count, side) => count >= 1 && count <= side && start >= 0 && start <= side - count;
  if (!within(top, rows, height) || !within(left, columns, width)) wrong("a crop is not within the picture");
  if (f !== 0 && f !== 1) wrong("a flip is neither 0 nor 1");
  out.set([top, left, rows, columns, f], at);
}

/** Boxes and partners of the rows of one view: the last six fields. */
function mix(rows, boxes, out, { classes, slots, views, most, view }) {
  const batches = new Map();
  const places = Array.from({ length: classes * slots }, (_, picture) => picture * views + view);
  for (const place of places) {
    const m = rows[9 * place + 5];
    if (m < 0 || m > most) wrong("a row names a box that is none");
    if (m > 0) batches.has(m) ? batches.get(m).push(place) : batches.set(m, [place]);
  }
  for (const place of places) {
    const [m, k, x, y] = rows.subarray(9 * place + 5, 9 * place + 9);
    if (m === 0) {
      if (k !== 0 || x !== 0 || y !== 0) wrong("a partner of what is not mixed");
      continue;
    }
    const [t, h, l, w] = boxes.subarray(4 * (most * view + m - 1), 4 * (most * view + m));
    if (h === 0 || w === 0) wrong("a box without a pixel is asked for");
    const [c, s] = partnerOf(place, batches.get(m), k, x, y, slots * views, views);
    out.set([c, s, t, t + h, l, l + w], FIELDS * place + 5);
  }
}

/** Class and slot of a partner less the row's own. */
function partnerOf(place, batch, k, x, y, perClass, perSlot) {
  if (k < 0) wrong("a partner before the batch");
  if (k === 0) {
    if (Math.abs(x) >= 2 ** 20 || Math.abs(y) >= 2 ** 24) wrong("a partner is too far");
    return [x, y];
  }
  if (x !== 0 || y !== 0 || k > batch.length) wrong("a partner beyond the batch, or told twice");
  const classOf = (at) => Math.floor(at / perClass);
  const slotOf = (at) => Math.floor((at % perClass) / perSlot);
  const other = batch[k - 1];
  return [classOf(other) - classOf(place), slotOf(other) - slotOf(place)];
}
