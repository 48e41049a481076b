/** Counter-based randomness: Philox4x32-10 and its streams of words (spec/codecs.md, section 2). */

/** A seed of 64 bits, as its low and its high half. @typedef {[number, number]} Seed */

export const VIEWS = 1;
export const VARIATIONS = 3;

/** floor(a b / 2^32) of two numbers of 32 bits, by halves that binary64 holds exactly. */
export function multiplyHigh(a, b) {
  const middle = (a >>> 16) * b + Math.floor(((a & 0xffff) * b) / 65536);
  return Math.floor(middle / 65536);
}

/**
 * The four words of a counter and a key.
 * @param {[number, number, number, number]} counter
 * @param {Seed} key
 * @returns {[number, number, number, number]}
 */
export function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let i = 0; i < 10; i++) {
    const p = multiplyHigh(0xd2511f53, c0);
    const q = multiplyHigh(0xcd9e8d57, c2);
    const low = Math.imul(0xd2511f53, c0) >>> 0;
    c0 = (q ^ c1 ^ k0) >>> 0;
    c1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c2 = (p ^ c3 ^ k1) >>> 0;
    c3 = low;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The first `count` words of a stream.
 * @param {Seed} seed
 * @param {number} domain
 * @param {number} stream
 * @param {number} count
 * @returns {number[]}
 */
export function words(seed, domain, stream, count) {
  const all = [];
  for (let i = 0; 4 * i < count; i++) all.push(...philox([i, 0, stream, domain], seed));
  return all.slice(0, count);
}

/** A word as a choice among n, 1 <= n <= 2^32. */
export const below = (word, n) => (n === 2 ** 32 ? word : multiplyHigh(word, n));

/**
 * The seed of a variation of a seed.
 * @param {Seed} seed
 * @param {number} variation
 * @returns {Seed}
 */
export function variationOf(seed, variation) {
  if (variation === 0) return seed;
  const [low, high] = words(seed, VARIATIONS, variation, 2);
  return [low, high];
}
