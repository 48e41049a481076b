/** The entropy coder: interleaved rANS, and the integers coded with it (spec/entropy.md). */
import { DdzError } from "../errors.js";
import { viewOf } from "../bytes.js";

const ONE = 2 ** 16;
const ESCAPE = 15;

/** @typedef {import("./tables.js").Table} Table */

/** A stream of words, and the lanes that share it. */
export class Stream {
  /**
   * @param {Uint8Array} bytes
   * @param {number} lanes
   */
  constructor(bytes, lanes) {
    if (lanes < 1 || lanes > ONE) throw new DdzError("header", "a stream has 1 to 65,536 lanes");
    if (bytes.length < 4 * lanes || bytes.length % 2 !== 0) fail("a stream of symbols is cut short");
    const view = viewOf(bytes);
    this.states = Uint32Array.from({ length: lanes }, (_, lane) => view.getUint32(4 * lane, true));
    if (this.states.some((state) => state < ONE)) fail("the state of a lane is too small");
    this.words = new Uint16Array((bytes.length - 4 * lanes) / 2);
    for (let i = 0; i < this.words.length; i++) this.words[i] = view.getUint16(4 * lanes + 2 * i, true);
    this.next = 0;
  }

  /** The most symbols that the stream can hold (spec/entropy.md, section 2, the last note). */
  get room() {
    return 4096 * (this.words.length + this.states.length);
  }

  /**
   * The next symbol of a lane.
   * @param {number} lane
   * @param {Table} table
   */
  symbol(lane, table) {
    const state = this.states[lane];
    const slot = state & 4095;
    const symbol = table.symbols[slot];
    const left = table.frequencies[symbol] * (state >>> 12) + slot - table.starts[symbol];
    this.states[lane] = left < ONE ? this.refilled(left) : left;
    return symbol;
  }

  /**
   * The next `count` raw bits of a lane, 0..16.
   * @param {number} lane
   * @param {number} count
   */
  bits(lane, count) {
    const state = this.states[lane];
    const left = state >>> count;
    this.states[lane] = left < ONE ? this.refilled(left) : left;
    return state & ((1 << count) - 1);
  }

  refilled(state) {
    if (this.next === this.words.length) fail("a stream of symbols ends too early");
    return state * ONE + this.words[this.next++];
  }

  /**
   * One group of integers, one of each active lane (spec/entropy.md, section 4).
   * @param {ArrayLike<number>} lanes ascending
   * @param {number} count how many of them are active
   * @param {Table | Table[]} tables one for all, or one for each
   * @param {number | number[]} shifts likewise
   * @param {Int32Array} out
   */
  integers(lanes, count, tables, shifts, out) {
    const own = Array.isArray(tables);
    let escapes = 0;
    for (let i = 0; i < count; i++) {
      out[i] = this.symbol(lanes[i], own ? tables[i] : tables);
      if (out[i] === ESCAPE) escapes++;
    }
    if (escapes) this.escapes(lanes, count, out, escapes);
    for (let i = 0; i < count; i++) {
      const high = out[i] & 1 ? -((out[i] + 1) >> 1) : out[i] >> 1;
      const shift = typeof shifts === "number" ? shifts : shifts[i];
      out[i] = shift === 0 ? high : high * (1 << shift) + this.bits(lanes[i], shift);
    }
  }

  /** Puts what follows an escape in its place: first the lengths of all, then the numbers of all. */
  escapes(lanes, count, out, escapes) {
    const places = new Int32Array(escapes);
    for (let i = 0, k = 0; i < count; i++) if (out[i] === ESCAPE) places[k++] = i;
    for (const i of places) out[i] = this.bits(lanes[i], 4);
    for (const i of places) out[i] = 14 + (1 << out[i]) + this.bits(lanes[i], out[i]);
  }

  /** Requires that every word was read, and that every lane ended where it must. */
  end() {
    if (this.next !== this.words.length || this.states.some((state) => state !== ONE))
      fail("a stream of symbols does not end where it must");
  }
}

function fail(message) {
  throw new DdzError("payload", message);
}
