/** Layouts: collages of patches, and the cells of a collage (spec/synthesis.md, section 2). */
import { resize } from "./resample.js";

/** @typedef {import("../codecs/mosaics.js").Picture} Picture */

/**
 * A picture of grid x grid patches, row by row.
 * @param {Picture[]} patches
 * @param {number} grid
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
export function collage(patches, grid, height, width) {
  if (grid === 1) return resize(patches[0], height, width);
  const whole = { width, height, data: new Uint8Array(3 * width * height) };
  patches.forEach((patch, number) => {
    const [top, bottom] = span(Math.floor(number / grid), grid, height);
    const [left, right] = span(number % grid, grid, width);
    paste(resize(patch, bottom - top, right - left), whole, top, left);
  });
  return whole;
}

/**
 * The grid x grid patches that a picture is cut into.
 * @param {Picture} picture
 * @param {number} grid
 * @returns {Picture[]}
 */
export function cut(picture, grid) {
  const height = Math.floor(picture.height / grid);
  const width = Math.floor(picture.width / grid);
  return Array.from({ length: grid * grid }, (_, number) => {
    const [top] = span(Math.floor(number / grid), grid, picture.height);
    const [left] = span(number % grid, grid, picture.width);
    return cropOf(picture, top, left, height, width);
  });
}

/** Where cell `i` of `grid` begins and ends, of `length` pixels. */
const span = (i, grid, length) => [Math.floor((i * length) / grid), Math.floor(((i + 1) * length) / grid)];

/**
 * A part of a picture, wholly inside it.
 * @param {Picture} picture
 */
export function cropOf(picture, top, left, height, width) {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * width * y);
  }
  return { width, height, data };
}

/** Puts a picture into another, in place. */
export function paste(part, whole, top, left) {
  const length = 3 * part.width;
  for (let y = 0; y < part.height; y++)
    whole.data.set(part.data.subarray(y * length, (y + 1) * length), 3 * ((top + y) * whole.width + left));
}
