/**
 * An AVIF file around a bare frame of AV1: the sequence header of spec/codecs.md, "AV1 pictures",
 * and the boxes that AVIF 1.1 and HEIF (ISO/IEC 23008-12) ask for.
 */
import { concat, utf8 } from "../bytes.js";
import { wrong } from "./parameters.js";

const SEQUENCE_HEADER = 1;
const FRAME = 6;

/**
 * @param {Uint8Array} raw the tools, then the frame
 * @param {number} width
 * @param {number} height of the grey picture
 * @returns {Uint8Array}
 */
export function avifOf(raw, width, height) {
  if (raw.length < 2 || raw[0] > 31) wrong("this is no frame of AV1");
  const sequence = unit(SEQUENCE_HEADER, sequenceHeader(raw[0], width, height));
  const data = concat([sequence, unit(FRAME, raw.subarray(1))]);
  const file = (offset) =>
    concat([
      box("ftyp", utf8("avif"), u32(0), utf8("avifmif1miaf")),
      full(
        "meta",
        0,
        handler(),
        full("pitm", 0, u16(1)),
        location(offset, data.length),
        items(),
        properties(sequence, width, height),
      ),
      box("mdat", data),
    ]);
  // Offsets take as many bytes whatever they are, so that the first file tells where its data begin.
  return file(file(0).length - data.length);
}

const u8 = (...values) => Uint8Array.from(values);
const u16 = (value) => u8(value >> 8, value & 255);
const u32 = (value) => u8(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
const box = (name, ...parts) =>
  concat([u32(8 + parts.reduce((sum, part) => sum + part.length, 0)), utf8(name), ...parts]);
const full = (name, version, ...parts) => box(name, u8(version, 0, 0, 0), ...parts);

const handler = () => full("hdlr", 0, u32(0), utf8("pict"), new Uint8Array(13));
const items = () => full("iinf", 0, u16(1), full("infe", 2, u16(1), u16(0), utf8("av01"), u8(0)));
// Offsets and lengths of four bytes, no base offset; one item of one extent, in this file.
const location = (offset, length) =>
  full("iloc", 0, u8(0x44, 0), u16(1), u16(1), u16(0), u16(1), u32(offset), u32(length));

function properties(sequence, width, height) {
  // Profile 0 and level 31; 8 bits, monochrome, both chroma axes halved, as AV1 says of it.
  const configuration = box("av1C", u8(0x81, 31, 0x1c, 0), sequence);
  // BT.709 primaries, the transfer of sRGB, BT.601 coefficients, full range.
  const colour = box("colr", utf8("nclx"), u16(1), u16(13), u16(6), u8(0x80));
  const list = box(
    "ipco",
    full("ispe", 0, u32(width), u32(height)),
    full("pixi", 0, u8(1, 8)),
    configuration,
    colour,
  );
  return box("iprp", list, full("ipma", 0, u32(1), u16(1), u8(4, 1, 2, 0x80 | 3, 4)));
}

/** An open bitstream unit with its length. */
function unit(type, bytes) {
  const length = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return concat([u8((type << 3) | 2, ...length), bytes]);
}

function sequenceHeader(tools, width, height) {
  const tool = (bit) => String((tools >> bit) & 1);
  const number = (value, bits) => value.toString(2).padStart(bits, "0");
  const bits = [
    "000",
    "1",
    "1",
    number(31, 5),
    number(15, 4),
    number(15, 4),
    number(width - 1, 16),
    number(height - 1, 16),
    tool(0),
    tool(1),
    tool(2),
    "0",
    tool(3),
    tool(4),
    "0",
    "1",
    "0",
    "1",
    "0",
    "1",
  ].join("");
  const padded = bits.padEnd(8 * Math.ceil(bits.length / 8), "0");
  return u8(...padded.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
