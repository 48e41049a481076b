/**
 * DEFLATE (RFC 1951), bounded, with an optional preset dictionary.
 *
 * Strict as zlib is: a set of codes is complete, or one code of one bit.
 */
import { DdzError } from "../errors.js";

// prettier-ignore
const LENGTH_BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
// prettier-ignore
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
// prettier-ignore
const DISTANCE_BASE = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
// prettier-ignore
const DISTANCE_BITS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const WINDOW = 32768;

/**
 * What a raw DEFLATE stream inflates to, and how many bytes the stream took.
 * @param {Uint8Array} bytes
 * @param {{limit: number, code: string, over?: string, dictionary?: Uint8Array}} options `limit` is
 *   the most bytes to make; `code` that of the error for a malformed stream, `over` for a longer one
 * @returns {{output: Uint8Array, consumed: number}}
 */
export function inflate(bytes, { limit, code, over = code, dictionary = new Uint8Array(0) }) {
  const inflater = new Inflater(bytes, limit, code, over, dictionary);
  let last;
  do {
    last = inflater.bits(1);
    const type = inflater.bits(2);
    if (type === 0) inflater.stored();
    else if (type === 1) inflater.compressed(...fixedCodes(inflater));
    else if (type === 2) inflater.compressed(...inflater.codes());
    else inflater.fail("a block of the reserved type");
  } while (!last);
  return { output: inflater.result(), consumed: inflater.at - (inflater.held >> 3) };
}

class Inflater {
  constructor(bytes, limit, code, over, dictionary) {
    this.bytes = bytes;
    this.code = code;
    this.over = over;
    this.at = 0;
    this.hold = 0;
    this.held = 0;
    this.begin = Math.min(dictionary.length, WINDOW);
    this.end = this.begin + limit;
    this.out = new Uint8Array(this.begin + Math.min(limit, 4 * bytes.length + 1024));
    this.out.set(dictionary.subarray(dictionary.length - this.begin));
    this.length = this.begin;
  }

  fail(message) {
    throw new DdzError(this.code, `a deflated stream is malformed: ${message}`);
  }

  /** Fills the bit buffer to `count` bits, at most 16; bits beyond the end are missing, not 0. */
  fill(count) {
    while (this.held < count) {
      if (this.at >= this.bytes.length) return false;
      this.hold |= this.bytes[this.at++] << this.held;
      this.held += 8;
    }
    return true;
  }

  bits(count) {
    if (!this.fill(count)) this.fail("it is cut short");
    const value = this.hold & ((1 << count) - 1);
    this.hold >>>= count;
    this.held -= count;
    return value;
  }

  /** One symbol of a code, as `codeTable` makes it. */
  symbol({ table, width }) {
    this.fill(width);
    const entry = table[this.hold & ((1 << width) - 1)];
    const count = entry & 15;
    if (count === 0) this.fail("an unused code");
    if (count > this.held) this.fail("it is cut short");
    this.hold >>>= count;
    this.held -= count;
    return entry >> 4;
  }

  /** Makes room for `count` more bytes. */
  room(count) {
    const need = this.length + count;
    if (need > this.end) throw new DdzError(this.over, "more is inflated than the limit allows");
    if (need <= this.out.length) return;
    const grown = new Uint8Array(Math.min(this.end, Math.max(need, 2 * this.out.length)));
    grown.set(this.out);
    this.out = grown;
  }

  stored() {
    this.bits(this.held & 7);
    const length = this.bits(16);
    if ((length ^ 0xffff) !== this.bits(16)) this.fail("a stored block's length");
    this.at -= this.held >> 3;
    this.hold = this.held = 0;
    if (length > this.bytes.length - this.at) this.fail("it is cut short");
    this.room(length);
    this.out.set(this.bytes.subarray(this.at, this.at + length), this.length);
    this.at += length;
    this.length += length;
  }

  /** The two codes that a dynamic block begins with. */
  codes() {
    const literals = this.bits(5) + 257;
    const distances = this.bits(5) + 1;
    const count = this.bits(4) + 4;
    if (literals > 286 || distances > 30) this.fail("too many codes");
    const lengths = new Uint8Array(19);
    for (let i = 0; i < count; i++) lengths[CODE_ORDER[i]] = this.bits(3);
    const code = codeTable(lengths, this, true);
    const all = new Uint8Array(literals + distances);
    for (let i = 0; i < all.length;) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        all[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) this.fail("a length to repeat, and none before it");
      const value = symbol === 16 ? all[i - 1] : 0;
      const times = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      if (i + times > all.length) this.fail("too many lengths");
      all.fill(value, i, i + times);
      i += times;
    }
    if (all[256] === 0) this.fail("no code for the end of a block");
    return [
      codeTable(all.subarray(0, literals), this, false),
      codeTable(all.subarray(literals), this, false),
    ];
  }

  compressed(literals, distances) {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.room(1);
        this.out[this.length++] = symbol;
        continue;
      }
      if (symbol > 285) this.fail("a length that is none");
      const length = LENGTH_BASE[symbol - 257] + this.bits(LENGTH_BITS[symbol - 257]);
      const far = this.symbol(distances);
      if (far > 29) this.fail("a distance that is none");
      const distance = DISTANCE_BASE[far] + this.bits(DISTANCE_BITS[far]);
      if (distance > this.length) this.fail("a distance beyond the beginning");
      this.room(length);
      const { out } = this;
      for (let i = 0, to = this.length; i < length; i++, to++) out[to] = out[to - distance];
      this.length += length;
    }
  }

  result() {
    return this.out.slice(this.begin, this.length);
  }
}

/** A table that `width` bits index: symbol times 16, plus the bits it takes; 0 for an unused code. */
function codeTable(lengths, inflater, complete) {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]++;
  counts[0] = 0;
  let width = 15;
  while (width > 0 && counts[width] === 0) width--;
  const next = new Uint16Array(16);
  let left = 1;
  for (let bits = 1, code = 0; bits <= 15; bits++) {
    left = 2 * left - counts[bits];
    if (left < 0) inflater.fail("more codes than there is room for");
    next[bits] = code;
    code = (code + counts[bits]) << 1;
  }
  // zlib takes a code of no symbol, which fails when it is used, and one of a single bit.
  if (width > 0 && left > 0 && (complete || width !== 1)) inflater.fail("an incomplete code");
  if (width === 0 && complete) inflater.fail("no code of lengths");
  const table = new Uint16Array(1 << width);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    let reversed = 0;
    for (let i = 0, code = next[length]++; i < length; i++, code >>= 1)
      reversed = (reversed << 1) | (code & 1);
    for (let i = reversed; i < table.length; i += 1 << length) table[i] = (symbol << 4) | length;
  });
  return { table, width };
}

/** @type {[object, object] | null} */
let fixed = null;

function fixedCodes(inflater) {
  if (!fixed) {
    const lengths = new Uint8Array(288).fill(8);
    lengths.fill(9, 144, 256).fill(7, 256, 280);
    fixed = [codeTable(lengths, inflater, false), codeTable(new Uint8Array(32).fill(5), inflater, false)];
  }
  return fixed;
}
