/** The index of a file: fields, ranges, flags, order and lengths (spec/ddz.md, section 5). */
import { compareBytes, utf8 } from "../bytes.js";
import { DdzError } from "../errors.js";
import { KINDS } from "../registry.js";
import { encodeCanonical } from "./msgpack.js";

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const MOST = 2 ** 32 - 1;

/**
 * A section as the index describes it; `box` is class, slot and view, start and count of each.
 * @typedef {{kind: string, flags: number, codec: Codec, box: number[], stored: number, raw: number,
 *   crc: number, offset: number, number: number}} Section
 * @typedef {{name: string, version: number, compression: string, params: object}} Codec
 */

const refuse = (message) => {
  throw new DdzError("header", `the index is malformed: ${message}`);
};
export const isMap = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/**
 * Requires a map with exactly these keys.
 * @param {unknown} value
 * @param {string[]} keys
 * @param {string} what
 */
export function exactly(value, keys, what) {
  if (!isMap(value)) throw new DdzError("header", `${what} is not a map`);
  const found = Object.keys(value);
  if (found.length !== keys.length || !keys.every((key) => key in value))
    throw new DdzError("header", `${what} must have the fields ${keys.join(", ")}`);
}

const whole = (value, least, most, what) => {
  if (!Number.isSafeInteger(value) || value < least || value > most) refuse(what);
  return value;
};

/**
 * The sections that an index lists, in file order.
 * @param {any} index
 * @param {number} start where the first begins
 * @param {number} fileLength
 * @param {typeof import("./limits.js").LIMITS} limits
 * @returns {Section[]}
 */
export function sectionsOf(index, start, fileLength, limits) {
  exactly(index, ["kinds", "codecs", "kind", "codec", "box", "stored", "raw", "crc"], "the index");
  for (const key of Object.keys(index)) if (!Array.isArray(index[key])) refuse(`${key} is not a list`);
  const count = index.kind.length;
  for (const [key, each] of [
    ["codec", 1],
    ["box", 6],
    ["stored", 1],
    ["raw", 1],
    ["crc", 1],
  ])
    if (index[key].length !== each * count) refuse(`${key} has another length than kind`);
  kindsOf(index.kinds);
  codecsOf(index.codecs);

  const sections = [];
  let offset = start;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const kind = index.kinds[whole(index.kind[i], 0, index.kinds.length - 1, "a number of a kind")];
    const codec = index.codecs[whole(index.codec[i], 0, index.codecs.length - 1, "a number of a codec")];
    const box = boxOf(index.box.slice(6 * i, 6 * i + 6));
    const stored = whole(index.stored[i], 1, Number.MAX_SAFE_INTEGER, "a stored length");
    const raw = whole(index.raw[i], 1, Number.MAX_SAFE_INTEGER, "a raw length");
    const crc = whole(index.crc[i], 0, MOST, "a checksum");
    if (codec.compression === "none" && stored !== raw)
      refuse("a section without compression has two lengths");
    sections.push({ kind: kind.name, flags: kind.flags, codec, box, stored, raw, crc, offset, number: i });
    if (i > 0 && compareSections(sections[i - 1], sections[i]) >= 0) refuse("sections do not ascend");
    offset += stored;
    total += raw;
  }
  if (offset !== fileLength) refuse("the sections end before or after the file");
  if (new Set(index.kind).size !== index.kinds.length) refuse("a kind that no section uses");
  if (new Set(index.codec).size !== index.codecs.length) refuse("a codec that no section uses");
  withinLimits(sections, total, limits);
  return sections;
}

function withinLimits(sections, total, limits) {
  const most = sections.reduce((a, { raw, stored }) => Math.max(a, raw, stored), 0);
  if (sections.length > limits.sections || most > limits.sectionRaw || total > limits.totalRaw)
    throw new DdzError("limit-exceeded", "there are more or larger sections than this reader allows");
  for (const { codec } of sections)
    if (codec.compression !== "none" && codec.compression !== "zstd")
      throw new DdzError("unknown-codec", `the compression ${codec.compression} is unknown`);
}

function kindsOf(kinds) {
  kinds.forEach((kind, i) => {
    exactly(kind, ["flags", "name"], "a kind");
    if (typeof kind.name !== "string" || !NAME.test(kind.name)) refuse("the name of a kind");
    if (kind.flags !== 0 && kind.flags !== 1 && kind.flags !== 3) refuse("the flags of a kind");
    const known = KINDS[kind.name];
    if (known && known.flags !== kind.flags) refuse(`the kind ${kind.name} has other flags`);
    if (i > 0 && !(kinds[i - 1].name < kind.name)) refuse("kinds do not ascend");
  });
}

function codecsOf(codecs) {
  let last = null;
  for (const codec of codecs) {
    exactly(codec, ["compression", "name", "params", "version"], "a codec");
    for (const name of [codec.name, codec.compression])
      if (typeof name !== "string" || !NAME.test(name)) refuse("the name of a codec or a compression");
    whole(codec.version, 1, 65535, "the version of a codec");
    if (!isMap(codec.params)) refuse("the parameters of a codec are not a map");
    const key = { codec, params: encodeCanonical(codec.params) };
    if (last && compareCodecs(last, key) >= 0) refuse("codecs do not ascend");
    last = key;
  }
}

function compareCodecs(a, b) {
  return (
    compareText(a.codec.name, b.codec.name) ||
    a.codec.version - b.codec.version ||
    compareText(a.codec.compression, b.codec.compression) ||
    compareBytes(a.params, b.params)
  );
}

const compareText = (a, b) => compareBytes(utf8(a), utf8(b));

function boxOf(box) {
  for (let axis = 0; axis < 6; axis += 2) {
    const start = whole(box[axis], 0, MOST, "a box");
    const count = whole(box[axis + 1], 0, MOST, "a box");
    if (start + count > MOST || (count === 0 && start !== 0)) refuse("a box");
  }
  return box;
}

/** The order of spec/ddz.md, section 5: slot, class and view, then kind, then the counts. */
function compareSections(a, b) {
  const x = a.box;
  const y = b.box;
  return (
    x[2] - y[2] ||
    x[0] - y[0] ||
    x[4] - y[4] ||
    compareText(a.kind, b.kind) ||
    x[3] - y[3] ||
    x[1] - y[1] ||
    x[5] - y[5]
  );
}
