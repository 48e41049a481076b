/** Bilinear resampling in integers, antialiased (spec/synthesis.md, section 1). */

/** @typedef {import("../codecs/mosaics.js").Picture} Picture */

/**
 * Weights of an axis: of each result pixel its first source pixel, its weights, and their sum.
 * @typedef {{first: number, weights: number[], sum: number}} Taps
 */

/**
 * @param {number} source pixels of the source
 * @param {number} result
 * @returns {Taps[]}
 */
export function tapsOf(source, result) {
  const reach = 2 * Math.max(source, result);
  return Array.from({ length: result }, (_, i) => {
    const centre = (2 * i + 1) * source;
    const weightOf = (j) => reach - Math.abs((2 * j + 1) * result - centre);
    let first = Math.max(0, Math.floor(((centre - reach) / result - 1) / 2));
    while (weightOf(first) <= 0) first++;
    const weights = [];
    for (let j = first; j < source && weightOf(j) > 0; j++) weights.push(weightOf(j));
    const divisor = weights.reduce(gcd, 0);
    const lowest = weights.map((weight) => weight / divisor);
    return { first, weights: lowest, sum: lowest.reduce((a, b) => a + b, 0) };
  });
}

const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));

/**
 * @param {Picture} picture
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
export function resize(picture, height, width) {
  if (picture.height === height && picture.width === width) return picture;
  const down = tapsOf(picture.height, height);
  const across = tapsOf(picture.width, width);
  const most = (taps) => taps.reduce((a, { sum }) => Math.max(a, sum), 0);
  // One division for both axes. Below 2^53 every product and sum is exact in binary64.
  const exact = 511 * most(down) * most(across) < 2 ** 53;
  const line = new Float64Array(3 * picture.width);
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    lineOf(picture, down[y], line);
    for (let x = 0; x < width; x++)
      (exact ? pixel : widePixel)(line, across[x], down[y].sum, data, 3 * (y * width + x));
  }
  return { width, height, data };
}

/** The weighted sum of rows. */
function lineOf(picture, { first, weights }, line) {
  line.fill(0);
  weights.forEach((weight, j) => {
    const from = (first + j) * line.length;
    for (let i = 0; i < line.length; i++) line[i] += weight * picture.data[from + i];
  });
}

function pixel(line, { first, weights, sum }, rows, data, to) {
  const all = rows * sum;
  let [r, g, b] = [0, 0, 0];
  for (let k = 0, at = 3 * first; k < weights.length; k++, at += 3) {
    r += weights[k] * line[at];
    g += weights[k] * line[at + 1];
    b += weights[k] * line[at + 2];
  }
  data[to] = Math.floor((2 * r + all) / (2 * all));
  data[to + 1] = Math.floor((2 * g + all) / (2 * all));
  data[to + 2] = Math.floor((2 * b + all) / (2 * all));
}

/** The same where sums need more than 53 bits. */
function widePixel(line, { first, weights, sum }, rows, data, to) {
  const all = BigInt(rows) * BigInt(sum);
  for (let channel = 0; channel < 3; channel++) {
    const total = weights.reduce(
      (a, weight, k) => a + BigInt(weight) * BigInt(line[3 * (first + k) + channel]),
      0n,
    );
    data[to + channel] = Number((2n * total + all) / (2n * all));
  }
}

/**
 * Nearest neighbours, which no synthesis of this version uses.
 * @param {Picture} picture
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
export function nearest(picture, height, width) {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = Math.floor(((2 * y + 1) * picture.height) / (2 * height));
    for (let x = 0; x < width; x++, to += 3) {
      const from = 3 * (row * picture.width + Math.floor(((2 * x + 1) * picture.width) / (2 * width)));
      data.set(picture.data.subarray(from, from + 3), to);
    }
  }
  return { width, height, data };
}
