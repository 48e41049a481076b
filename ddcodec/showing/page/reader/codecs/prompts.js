/** Prompts (spec/codecs.md, section 4): a text or learned token vectors of each class. */
import { Cursor, textOf } from "../bytes.js";
import { hasControls } from "../head/fields.js";
import { shaped, wrong } from "./parameters.js";

const MOST_TEXT = 4096;

/** The value of a binary16 number. @param {number} bits */
export function halfFloat(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

/** Words of 16 bits, stored as a plane of low bytes and one of high bytes. */
export const planes = (bytes, count) =>
  Uint16Array.from({ length: count }, (_, i) => bytes[i] | (bytes[count + i] << 8));

export const promptText = {
  ranges: {},
  mostRaw: (classes) => (2 + MOST_TEXT) * classes,
  /** @returns {string[]} empty where the class's name stands */
  decode(raw, [classes]) {
    const cursor = new Cursor(raw);
    const lengths = cursor.u16s(classes);
    if (lengths.some((length) => length > MOST_TEXT)) wrong("a text is too long");
    const texts = Array.from(lengths, (length) => textOf(cursor.take(length), "payload"));
    cursor.end();
    if (texts.some(hasControls)) wrong("a text holds a control character");
    return texts;
  },
};

export const promptFp16 = {
  ranges: {},
  /** @returns {Float32Array} [classes][tokens][dim] */
  decode(raw, [classes, tokens, dim]) {
    const count = classes * tokens * dim;
    shaped(raw.length === 2 * count);
    const values = Float32Array.from(planes(raw, count), halfFloat);
    if (!values.every(Number.isFinite)) wrong("a token vector holds what is no number");
    return values;
  },
};

export const promptInt8 = {
  ranges: {},
  /** @returns {Float32Array} [classes][tokens][dim] */
  decode(raw, [classes, tokens, dim]) {
    const rows = classes * tokens;
    shaped(raw.length === rows * (2 + dim));
    const scales = Array.from(planes(raw, rows), halfFloat);
    if (!scales.every((scale) => Number.isFinite(scale) && !Object.is(Math.sign(scale), -0) && scale >= 0))
      wrong("a scale is negative or no number");
    const q = new Int8Array(raw.slice(2 * rows).buffer);
    if (q.includes(-128)) wrong("a token vector holds -128");
    return Float32Array.from(q, (value, i) => (value ? value * scales[Math.floor(i / dim)] : 0));
  },
};
