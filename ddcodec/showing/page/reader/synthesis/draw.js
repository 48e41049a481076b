/** What the seed of a picture draws for a view (spec/synthesis.md, section 3, "Words"). */
import { below, multiplyHigh, VIEWS, words } from "../randomness.js";

/**
 * What is done to a picture: its crop, flips (0 or 1), degrees, brightness and contrast and gamma in percent.
 * @typedef {{top: number, left: number, rows: number, columns: number, flip: number, vflip: number,
 *   degrees: number, brightness: number, contrast: number, gamma: number}} Draw
 */

/** A mixing box, whose ends are not included. @typedef {{top: number, bottom: number, left: number, right: number}} Box */

/** Words 0 to 16 of a view. */
export const wordsOf = (seed, index) => words(seed, VIEWS, index, 17);

/** The draw that leaves a picture of that size as it is. @returns {Draw} */
export const untouched = (height, width) => ({
  top: 0,
  left: 0,
  rows: height,
  columns: width,
  flip: 0,
  vflip: 0,
  degrees: 0,
  brightness: 0,
  contrast: 0,
  gamma: 100,
});

const happens = (word, percent) => below(word, 100) >= 100 - percent;
const around = (word, most) => below(word, 2 * most + 1) - most;

/**
 * Crop, flips, rotation and tone of a drawn view that is not view 0.
 * @param {import("../head/view.js").View} view
 * @param {number} height
 * @param {number} width
 * @param {number[]} w words of the picture's seed
 * @returns {Draw}
 */
export function drawOf(view, height, width, w) {
  const draw = { ...untouched(height, width), ...cropOf(view, height, width, w) };
  if (view.flip && happens(w[3], view.flip_percent ?? 50)) draw.flip = 1;
  if (view.vflip && happens(w[9], view.vflip)) draw.vflip = 1;
  if (view.rotate && happens(w[10], view.rotate[1])) draw.degrees = around(w[11], view.rotate[0]);
  if (view.brightness && happens(w[12], view.brightness[2])) {
    draw.brightness = around(w[13], view.brightness[0]);
    draw.contrast = around(w[14], view.brightness[1]);
  }
  if (view.gamma && happens(w[15], view.gamma[2]))
    draw.gamma = view.gamma[0] + below(w[16], view.gamma[1] - view.gamma[0] + 1);
  return draw;
}

function cropOf({ kind, pad, scale }, height, width, w) {
  if (kind === "pad-crop") return { top: around(w[1], pad), left: around(w[2], pad) };
  if (kind !== "resized-crop") return {};
  const [least, most, denominator] = scale;
  const area = 65536 * least + below(w[0], 65536 * (most - least) + 1);
  // Up to 2^54: one bit more than binary64 holds.
  const side = (length) =>
    Math.max(1, isqrt(Number((BigInt(length * length) * BigInt(area)) / BigInt(65536 * denominator))));
  const [rows, columns] = [side(height), side(width)];
  return { rows, columns, top: below(w[1], height - rows + 1), left: below(w[2], width - columns + 1) };
}

/** floor(sqrt(v)) of 0 <= v <= 2^26, where binary64 is right. */
const isqrt = (v) => Math.floor(Math.sqrt(v));

/**
 * The partner of a row, and the box of it that shows.
 * @param {import("../head/view.js").View} view
 * @param {number} height
 * @param {number} width
 * @param {number[]} w words of the row's seed
 * @param {{start: number, count: number, class: number, slot: number}} place the origin and the row in it
 * @returns {{class: number, slot: number, box: Box}}
 */
export function partnerOf(view, height, width, w, place) {
  let [start, count] = [place.start, place.count];
  if (view.partners) {
    const first = view.partners * Math.floor((place.class - start) / view.partners);
    count = Math.min(view.partners, count - first);
    start += first;
  }
  return {
    class: start + below(w[4], count),
    slot: below(w[5], place.slot + 1),
    box: boxOf(height, width, w),
  };
}

/** @returns {Box} */
function boxOf(height, width, w) {
  const span = (length, word) => {
    const side = isqrt(multiplyHigh(length * length, w[6]));
    const start = below(word, length) - Math.floor(side / 2);
    return [Math.max(0, start), Math.min(length, start + side)];
  };
  const [[top, bottom], [left, right]] = [span(height, w[7]), span(width, w[8])];
  return { top, bottom, left, right };
}

/** Pixels of a box. @param {Box | null} box */
export const pixelsOf = (box) =>
  box ? Math.max(0, box.bottom - box.top) * Math.max(0, box.right - box.left) : 0;
