/** Views of pictures: crop, flips, rotation, tone, and the mix of two (spec/synthesis.md, section 3). */
import { cropOf, paste } from "./layout.js";
import { pixelsOf } from "./draw.js";
import { resize } from "./resample.js";
import { rotate } from "./rotation.js";
import { toneOf } from "./tone.js";

/** @typedef {import("../codecs/mosaics.js").Picture} Picture */

/**
 * A view of a picture before it is mixed.
 * @param {Picture} picture
 * @param {import("./draw.js").Draw} draw
 * @returns {Picture}
 */
export function augmented(picture, draw) {
  const { width, height } = picture;
  const inside =
    draw.top >= 0 && draw.left >= 0 && draw.top + draw.rows <= height && draw.left + draw.columns <= width;
  let view = inside ? cropOf(picture, draw.top, draw.left, draw.rows, draw.columns) : shifted(picture, draw);
  view = resize(view, height, width);
  if (draw.flip || draw.vflip) view = mirrored(view, draw.flip, draw.vflip);
  if (draw.degrees) view = rotate(view, draw.degrees);
  if (draw.brightness || draw.contrast || draw.gamma !== 100) {
    const tone = toneOf(draw);
    view = { ...view, data: view.data.map((value) => tone[value]) };
  }
  return view;
}

/** A picture shifted, its edges reflected without being repeated. */
function shifted({ width, height, data: from }, { top, left }) {
  const reflect = (i, length) => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i);
  const data = new Uint8Array(from.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const at = 3 * (reflect(y + top, height) * width + reflect(x + left, width));
      data[to] = from[at];
      data[to + 1] = from[at + 1];
      data[to + 2] = from[at + 2];
    }
  return { width, height, data };
}

function mirrored({ width, height, data: from }, flip, vflip) {
  const data = new Uint8Array(from.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const at = 3 * ((vflip ? height - 1 - y : y) * width + (flip ? width - 1 - x : x));
      data[to] = from[at];
      data[to + 1] = from[at + 1];
      data[to + 2] = from[at + 2];
    }
  return { width, height, data };
}

/**
 * A view with its partner's view inside the box.
 * @param {Picture} own
 * @param {Picture} partner
 * @param {import("./draw.js").Box | null} box
 * @returns {Picture}
 */
export function mixed(own, partner, box) {
  if (!pixelsOf(box)) return own;
  const whole = { ...own, data: own.data.slice() };
  paste(
    cropOf(partner, box.top, box.left, box.bottom - box.top, box.right - box.left),
    whole,
    box.top,
    box.left,
  );
  return whole;
}
