/** Probabilities of logits, from integers alone (spec/codecs.md, section 6, "Probabilities"). */

const ENTRIES = 65536;
const ONE = 1n << 128n;

/** @type {Map<string, Float64Array>} */
const tables = new Map();

/**
 * E of a temperature n/d: 2^30 exp(-k d / (64 n)) for k = 0, 1, ..., without the zeros at its end.
 * @param {number[]} temperature
 * @returns {Float64Array}
 */
export function weightsOf([n, d]) {
  const key = `${n}/${d}`;
  let table = tables.get(key);
  if (!table) tables.set(key, (table = weights(BigInt(n), BigInt(d))));
  return table;
}

function weights(n, d) {
  let ratio = 0n;
  for (let term = ONE, k = 0n; term > 0n;) {
    ratio += k % 2n === 0n ? term : -term;
    k += 1n;
    term = (term * d) / (64n * n * k);
  }
  const found = [];
  for (let power = ONE; found.length < ENTRIES; power = (power * ratio) >> 128n) {
    const weight = Number((power + (1n << 97n)) >> 98n);
    if (weight === 0) break;
    found.push(weight);
  }
  return Float64Array.from(found);
}

/**
 * @param {ArrayLike<number>} logits in 1/64 nat
 * @param {number[]} temperature
 * @returns {Float32Array}
 */
export function probabilities(logits, temperature) {
  const table = weightsOf(temperature);
  let most = -Infinity;
  for (let k = 0; k < logits.length; k++) most = Math.max(most, logits[k]);
  const out = new Float64Array(logits.length);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += out[k] = table[most - logits[k]] ?? 0;
  // Both roundings count: a division in binary64, then a conversion to binary32.
  return Float32Array.from(out, (weight) => weight / sum);
}
