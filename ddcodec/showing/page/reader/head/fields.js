/** Fields of the head: each is read by its type and range, or refused (spec/table.md, section 1). */
import { isMap } from "../container/index_map.js";
import { utf8 } from "../bytes.js";
import { DdzError } from "../errors.js";

const CONTROL = /[\u0000-\u001f\u007f]/;

/** @param {string} message @param {string} [code] */
export function refuse(message, code = "header") {
  throw new DdzError(code, `the head is malformed: ${message}`);
}

/** Requires a map with all of `fields`, and of others at most the `optional` ones. */
export function mapOf(value, what, fields, optional = []) {
  if (!isMap(value)) refuse(`${what} is not a map`);
  for (const field of fields) if (!(field in value)) refuse(`${what} has no ${field}`);
  for (const field of Object.keys(value))
    if (!fields.includes(field) && !optional.includes(field)) refuse(`${what} has an unknown field`);
  return value;
}

/** The field that says what a map is, which is judged before its others. */
export function kindOf(value, what, kinds, field = "kind") {
  if (!isMap(value)) refuse(`${what} is not a map`);
  if (typeof value[field] !== "string") refuse(`${what}.${field} is not a text`);
  if (!kinds.includes(value[field])) refuse(`${what}.${field} is unknown to this reader`, "unsupported");
  return value[field];
}

export function integer(value, least, most, what) {
  if (!Number.isSafeInteger(value) || value < least || value > most) refuse(`${what} is out of range`);
  return value;
}

export function integers(value, count, least, most, what) {
  if (!Array.isArray(value) || value.length !== count) refuse(`${what} is not a list of ${count}`);
  for (const item of value) integer(item, least, most, what);
  return value;
}

export function text(value, what, most = Infinity) {
  if (typeof value !== "string") refuse(`${what} is not a text`);
  if (most !== Infinity && utf8(value).length > most) refuse(`${what} is too long`);
  return value;
}

export const hasControls = (value) => CONTROL.test(value);

/** A fraction [n, d]. */
export function ratio(value, what) {
  integers(value, 2, 0, 2 ** 31 - 1, what);
  if (value[1] < 1) refuse(`${what} has no denominator`);
  return value;
}

/** Ranges [start, count]: at least one, ascending, disjoint and within `classes`. */
export function ranges(value, classes, what) {
  if (!Array.isArray(value) || value.length === 0) refuse(`${what} is not a list of ranges`);
  let end = 0;
  for (const range of value) {
    integers(range, 2, 0, classes, what);
    if (range[1] < 1 || range[0] < end || range[0] + range[1] > classes)
      refuse(`${what} are not ascending ranges`);
    end = range[0] + range[1];
  }
  return value;
}

export function bytes32(value, what) {
  if (!(value instanceof Uint8Array) || value.length !== 32) refuse(`${what} is not 32 bytes`);
  return value;
}
