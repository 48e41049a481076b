/**
 * Canonical msgpack (spec/ddz.md, section 4).
 *
 * Maps become objects without a prototype, so that no key of a file means anything to JavaScript;
 * bytes become Uint8Array; integers a number, or a BigInt beyond 2^53 - 1.
 */
import { compareBytes, concat, textOf, utf8, viewOf } from "../bytes.js";
import { DdzError } from "../errors.js";

const DEFAULTS = { depth: 8, nodes: 65536 };

/**
 * The value that `bytes` encode, which must be its one canonical encoding.
 * @param {Uint8Array} bytes
 * @param {{depth: number, nodes: number}} [limits]
 */
export function decodeCanonical(bytes, limits = DEFAULTS) {
  const decoder = new Decoder(bytes, limits);
  const value = decoder.value(1);
  if (decoder.at !== bytes.length) throw new DdzError("header", "bytes follow the header's value");
  return value;
}

class Decoder {
  constructor(bytes, limits) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.limits = limits;
    this.at = 0;
    this.nodes = 0;
  }

  take(length) {
    if (length > this.bytes.length - this.at) throw new DdzError("header", "the header ends within a value");
    this.at += length;
    return this.at - length;
  }

  /** @param {number} depth that of a list or map found here */
  value(depth) {
    const first = this.bytes[this.take(1)];
    if (first < 0x80) return first;
    if (first < 0x90) return this.map(first & 15, depth);
    if (first < 0xa0) return this.list(first & 15, depth);
    if (first < 0xc0) return this.text(first & 31);
    if (first >= 0xe0) return first - 256;
    switch (first) {
      case 0xc0:
        return null;
      case 0xc1:
        throw new DdzError("header", "the header holds the reserved byte C1");
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.binary(this.size(1, 0));
      case 0xc5:
        return this.binary(this.size(2, 256));
      case 0xc6:
        return this.binary(this.size(4, 65536));
      case 0xcc:
        return this.size(1, 128);
      case 0xcd:
        return this.size(2, 256);
      case 0xce:
        return this.size(4, 65536);
      case 0xcf:
        return this.wide(this.view.getBigUint64(this.take(8)), 0x100000000n, null);
      case 0xd0:
        return this.negative(this.view.getInt8(this.take(1)), -32);
      case 0xd1:
        return this.negative(this.view.getInt16(this.take(2)), -128);
      case 0xd2:
        return this.negative(this.view.getInt32(this.take(4)), -32768);
      case 0xd3:
        return this.wide(this.view.getBigInt64(this.take(8)), null, -0x80000000n);
      case 0xd9:
        return this.text(this.size(1, 32));
      case 0xda:
        return this.text(this.size(2, 256));
      case 0xdb:
        return this.text(this.size(4, 65536));
      case 0xdc:
        return this.list(this.size(2, 16), depth);
      case 0xdd:
        return this.list(this.size(4, 65536), depth);
      case 0xde:
        return this.map(this.size(2, 16), depth);
      case 0xdf:
        return this.map(this.size(4, 65536), depth);
      default:
        throw notCanonical("the header holds a float or an extension type");
    }
  }

  /** An unsigned number of `width` bytes, which must not fit a shorter form: at least `least`. */
  size(width, least) {
    const at = this.take(width);
    const value =
      width === 1 ? this.bytes[at] : width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
    if (value < least) throw notCanonical("a number or a length has a shorter form");
    return value;
  }

  negative(value, below) {
    if (value >= below) throw notCanonical("a negative integer has another form");
    return value;
  }

  wide(value, least, below) {
    if (least !== null ? value < least : value >= below) throw notCanonical("an integer has a shorter form");
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(length) {
    const at = this.take(length);
    return textOf(this.bytes.subarray(at, at + length), "header");
  }

  binary(length) {
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  enter(depth) {
    if (depth > this.limits.depth) throw new DdzError("limit-exceeded", "the header is nested too deeply");
    if (++this.nodes > this.limits.nodes)
      throw new DdzError("limit-exceeded", "the header has too many lists and maps");
  }

  list(length, depth) {
    this.enter(depth);
    const items = [];
    for (let i = 0; i < length; i++) items.push(this.value(depth + 1));
    return items;
  }

  map(length, depth) {
    this.enter(depth);
    const map = Object.create(null);
    let last = null;
    for (let i = 0; i < length; i++) {
      const start = this.at;
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw notCanonical("a key of a map is not a string");
      // Of canonical strings, those of more bytes have longer heads: what follows the head counts.
      const coded = this.bytes.subarray(this.at - keyLength(this.bytes, start), this.at);
      if (last && compareBytes(last, coded) >= 0) throw notCanonical("the keys of a map do not ascend");
      last = coded;
      map[key] = this.value(depth + 1);
    }
    return map;
  }
}

const notCanonical = (message) => new DdzError("non-canonical", message);

/** Length in bytes of the string whose canonical encoding begins at `start`. */
function keyLength(bytes, start) {
  const first = bytes[start];
  if (first < 0xc0) return first & 31;
  const width = 1 << (first - 0xd9);
  let length = 0;
  for (let i = 1; i <= width; i++) length = length * 256 + bytes[start + i];
  return length;
}

/**
 * The canonical encoding of a value as `decodeCanonical` gives it.
 * @returns {Uint8Array}
 */
export function encodeCanonical(value) {
  const parts = [];
  encode(value, parts);
  return concat(parts);
}

function encode(value, parts) {
  if (value === null) parts.push(Uint8Array.of(0xc0));
  else if (value === false || value === true) parts.push(Uint8Array.of(value ? 0xc3 : 0xc2));
  else if (typeof value === "number" || typeof value === "bigint") parts.push(integer(BigInt(value)));
  else if (typeof value === "string") {
    const bytes = utf8(value);
    parts.push(head(bytes.length, [0xa0, 32], [0xd9, 0xda, 0xdb]), bytes);
  } else if (value instanceof Uint8Array) parts.push(head(value.length, null, [0xc4, 0xc5, 0xc6]), value);
  else if (Array.isArray(value)) {
    parts.push(head(value.length, [0x90, 16], [null, 0xdc, 0xdd]));
    for (const item of value) encode(item, parts);
  } else {
    const keys = Object.keys(value).map((key) => [utf8(key), key]);
    keys.sort((a, b) => compareBytes(a[0], b[0]));
    parts.push(head(keys.length, [0x80, 16], [null, 0xde, 0xdf]));
    for (const [, key] of keys) {
      encode(key, parts);
      encode(value[key], parts);
    }
  }
}

/** The head of a string, byte string, list or map: a fixed form below a bound, or 1, 2 or 4 bytes. */
function head(length, fixed, forms) {
  if (fixed && length < fixed[1]) return Uint8Array.of(fixed[0] | length);
  if (length < 256 && forms[0] !== null) return Uint8Array.of(forms[0], length);
  if (length < 65536) return Uint8Array.of(forms[1], length >> 8, length & 255);
  return Uint8Array.of(forms[2], length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
}

function integer(value) {
  if (value >= -32n && value < 128n) return Uint8Array.of(Number(BigInt.asUintN(8, value)));
  const forms =
    value < 0n
      ? [
          [0xd0, 1, -128n],
          [0xd1, 2, -32768n],
          [0xd2, 4, -0x80000000n],
          [0xd3, 8, null],
        ]
      : [
          [0xcc, 1, 255n],
          [0xcd, 2, 65535n],
          [0xce, 4, 0xffffffffn],
          [0xcf, 8, null],
        ];
  const [form, width] = forms.find(([, , end]) => end === null || (value < 0n ? value >= end : value <= end));
  const bytes = new Uint8Array(1 + width);
  bytes[0] = form;
  for (let i = width, rest = BigInt.asUintN(64, value); i > 0; i--, rest >>= 8n)
    bytes[i] = Number(rest & 255n);
  return bytes;
}
