/** The two kinds of codes of zstd: FSE and Huffman (RFC 8878, section 4). */
import { DdzError } from "../errors.js";

export function fail(message) {
  throw new DdzError("payload", `a zstd frame is malformed: ${message}`);
}

/** Bits read from the end of a stream towards its beginning (RFC 8878, 4.1). */
export class BackwardBits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    if (bytes.length === 0 || bytes[bytes.length - 1] === 0) fail("a stream of bits has no end");
    this.bytes = bytes;
    /** Bits left; below 0 when more were read than there are, which read as 0. */
    this.left = 8 * (bytes.length - 1) + 31 - Math.clz32(bytes[bytes.length - 1]);
  }

  /** @param {number} count 0..31 */
  read(count) {
    if (count > 16) return this.read(count - 16) * 65536 + this.read(16);
    this.left -= count;
    return this.at(this.left, count);
  }

  /** The `count` bits, at most 16, from bit `from` on. */
  at(from, count) {
    const { bytes } = this;
    if (from < 0) return count + from > 0 ? (this.at(0, count + from) << -from) & 0xffff : 0;
    const i = from >> 3;
    const word = bytes[i] | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16);
    return (word >> (from & 7)) & ((1 << count) - 1);
  }
}

/**
 * A table of FSE: of each state the symbol, the bits to read, and what they are added to.
 * @typedef {{log: number, symbols: Uint8Array, bits: Uint8Array, bases: Uint16Array}} FseTable
 */

/**
 * The table of a distribution, in which -1 is "less than one" (RFC 8878, 4.1.1).
 * @param {ArrayLike<number>} distribution
 * @param {number} log
 * @returns {FseTable}
 */
export function fseTable(distribution, log) {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(distribution.length);
  let high = size;
  for (let s = 0; s < distribution.length; s++) {
    if (distribution[s] !== -1) continue;
    symbols[--high] = s;
    next[s] = 1;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let s = 0; s < distribution.length; s++) {
    if (distribution[s] <= 0) continue;
    next[s] = distribution[s];
    for (let i = 0; i < distribution[s]; i++) {
      symbols[at] = s;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let i = 0; i < size; i++) {
    const state = next[symbols[i]]++;
    bits[i] = log - (31 - Math.clz32(state));
    bases[i] = (state << bits[i]) - size;
  }
  return { log, symbols, bits, bases };
}

/** The table of one symbol, which takes no bits. */
export const fseOf = (symbol) => ({
  log: 0,
  symbols: Uint8Array.of(symbol),
  bits: new Uint8Array(1),
  bases: new Uint16Array(1),
});

/**
 * The table that a description gives, and the bytes it took.
 * @param {Uint8Array} bytes
 * @param {number} most the largest accuracy log
 * @param {number} symbols how many there may be
 * @returns {[FseTable, number]}
 */
export function readFse(bytes, most, symbols) {
  let at = 0;
  const peek = (count) => {
    const i = at >> 3;
    const word = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16);
    return (word >> (at & 7)) & ((1 << count) - 1);
  };
  const read = (count) => {
    const value = peek(count);
    at += count;
    return value;
  };
  const log = 5 + read(4);
  if (log > most) fail("the accuracy of a table");
  const distribution = [];
  let remaining = 1 << log;
  while (remaining > 0) {
    if (distribution.length >= symbols) fail("too many symbols of a table");
    const count = 32 - Math.clz32(remaining + 1);
    const low = (1 << (count - 1)) - 1;
    const threshold = (1 << count) - 2 - remaining;
    let value = peek(count);
    if ((value & low) < threshold) {
      value &= low;
      at += count - 1;
    } else {
      if (value > low) value -= threshold;
      at += count;
    }
    const share = value - 1;
    distribution.push(share);
    remaining -= Math.abs(share);
    if (share !== 0) continue;
    for (let repeat = 3; repeat === 3;) {
      repeat = read(2);
      for (let i = 0; i < repeat; i++) distribution.push(0);
      if (distribution.length > symbols) fail("too many symbols of a table");
    }
  }
  const used = (at + 7) >> 3;
  if (remaining < 0 || used > bytes.length) fail("the shares of a table");
  return [fseTable(distribution, log), used];
}

/** @typedef {{log: number, symbols: Uint8Array, bits: Uint8Array}} HuffmanTable */

/**
 * The Huffman table that a description gives, and the bytes it took (RFC 8878, 4.2.1).
 * @param {Uint8Array} bytes
 * @returns {[HuffmanTable, number]}
 */
export function readHuffman(bytes) {
  if (bytes.length === 0) fail("a Huffman table is missing");
  const first = bytes[0];
  if (first < 128) {
    if (1 + first > bytes.length) fail("a Huffman table is cut short");
    return [huffmanTable(codedWeights(bytes.subarray(1, 1 + first))), 1 + first];
  }
  const count = first - 127;
  const used = 1 + ((count + 1) >> 1);
  if (used > bytes.length) fail("a Huffman table is cut short");
  const weights = [];
  for (let i = 0; i < count; i++) weights.push(i & 1 ? bytes[1 + (i >> 1)] & 15 : bytes[1 + (i >> 1)] >> 4);
  return [huffmanTable(weights), used];
}

/** Weights in an FSE stream of two states that take turns, until its bits run out. */
function codedWeights(bytes) {
  const [table, used] = readFse(bytes, 6, 256);
  const stream = new BackwardBits(bytes.subarray(used));
  const states = [stream.read(table.log), stream.read(table.log)];
  const weights = [];
  for (let turn = 0; ; turn ^= 1) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    states[turn] = table.bases[state] + stream.read(table.bits[state]);
    if (weights.length > 254) fail("too many weights");
    if (stream.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]]);
      return weights;
    }
  }
}

function huffmanTable(weights) {
  let total = 0;
  for (const weight of weights) {
    if (weight > 11) fail("a weight of a Huffman table");
    if (weight) total += 1 << (weight - 1);
  }
  if (total === 0) fail("a Huffman table without symbols");
  const log = 32 - Math.clz32(total);
  const rest = (1 << log) - total;
  if (log > 11 || (rest & (rest - 1)) !== 0) fail("the weights of a Huffman table");
  const all = [...weights, 32 - Math.clz32(rest)];
  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight++)
    all.forEach((of, symbol) => {
      if (of !== weight) return;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      bits.fill(log + 1 - weight, at, end);
      at = end;
    });
  return { log, symbols, bits };
}

/**
 * Decodes a stream of literals, all of it, into `out`.
 * @param {HuffmanTable} table
 * @param {Uint8Array} bytes
 * @param {Uint8Array} out
 */
export function huffmanDecode({ log, symbols, bits }, bytes, out) {
  const stream = new BackwardBits(bytes);
  for (let i = 0; i < out.length; i++) {
    const entry = stream.at(stream.left - log, log);
    out[i] = symbols[entry];
    stream.left -= bits[entry];
    if (stream.left < 0) fail("literals are cut short");
  }
  if (stream.left !== 0) fail("bits are left after literals");
}
