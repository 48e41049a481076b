/** The 256 tables of the entropy coder (spec/entropy.md, section 3), each made when first asked for. */

// prettier-ignore
const ZEROS = [513, 732, 961, 1200, 1480, 1761, 2058, 2480, 2832, 3155, 3455, 3685, 3866, 3985, 4050, 4081];
// prettier-ignore
const FALLS = [35, 56, 83, 111, 124, 147, 175, 212, 57, 99, 183, 206, 222, 234, 242, 248];
const TOTAL = 4096;

/**
 * A table: the symbol of each of 4,096 slots, and of each symbol its frequency and first slot.
 * @typedef {{symbols: Uint8Array, frequencies: Uint32Array, starts: Uint32Array}} Table
 */

/** @type {Table[]} */
const made = [];

/**
 * @param {number} name 0..255
 * @returns {Table}
 */
export function tableOf(name) {
  return (made[name] ??= tableFrom(frequenciesOf(name)));
}

function tableFrom(frequencies) {
  const symbols = new Uint8Array(TOTAL);
  const starts = new Uint32Array(16);
  let at = 0;
  frequencies.forEach((frequency, symbol) => {
    starts[symbol] = at;
    symbols.fill(symbol, at, at + frequency);
    at += frequency;
  });
  return { symbols, frequencies, starts };
}

/**
 * @param {number} name
 * @returns {Uint32Array} 16 frequencies, out of 4096
 */
export function frequenciesOf(name) {
  const shape = name & 15;
  const fall = BigInt(FALLS[shape]);
  const weight = (n) => {
    const power = BigInt(shape < 8 ? n - 1 : n * n - 1);
    return ((fall ** power) << 32n) >> (8n * power);
  };
  const weights = Array.from({ length: 31 }, (_, i) => weight(i + 1));
  const sum = (values) => values.reduce((a, b) => a + b, 0n);
  const escape = 2n * sum(weights.slice(7));
  const all = 2n * sum(weights.slice(0, 7)) + escape;
  const room = BigInt(TOTAL - ZEROS[name >> 4]);
  const share = (w) => Math.max(1, Number((2n * room * w + all) / (2n * all)));
  const frequencies = new Uint32Array(16);
  for (let n = 1; n <= 7; n++) frequencies[2 * n - 1] = frequencies[2 * n] = share(weights[n - 1]);
  frequencies[15] = share(escape);
  frequencies[0] = TOTAL - frequencies.reduce((a, b) => a + b, 0);
  return frequencies;
}
