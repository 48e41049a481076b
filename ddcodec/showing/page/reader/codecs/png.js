/** PNG as spec/codecs.md, section 5, allows it: 8 bits, RGB, not interlaced, without other chunks. */
import { viewOf, concat, compareBytes } from "../bytes.js";
import { crc32 } from "../container/crc32.js";
import { inflate } from "../container/inflate.js";
import { wrong } from "./parameters.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const MODES = [8, 2, 0, 0, 0];

/**
 * The pixels of a PNG file of that size.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array} RGB [height][width][3]
 */
export function decodePng(bytes, width, height) {
  const view = viewOf(bytes);
  if (bytes.length < 8 || compareBytes(bytes.subarray(0, 8), SIGNATURE) !== 0) wrong("this is no PNG file");
  const data = [];
  let at = 8;
  for (let last = ""; last !== "IEND";) {
    if (at + 12 > bytes.length) wrong("a PNG file is cut short");
    const length = view.getUint32(at);
    if (length > bytes.length - at - 12) wrong("a PNG file is cut short");
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      wrong("a chunk of a PNG file is damaged");
    if (!mayFollow(name, last)) wrong("a PNG file has other chunks than it may");
    if (name === "IHDR") checkHeader(body, width, height);
    else if (name === "IDAT") data.push(body);
    else if (length !== 0) wrong("the end of a PNG file is not empty");
    at += 12 + length;
    last = name;
  }
  if (at !== bytes.length) wrong("bytes follow a PNG file");
  return unfilter(unwrap(concat(data), height * (1 + 3 * width)), width, height);
}

const mayFollow = (name, last) =>
  (name === "IHDR" && last === "") ||
  (name === "IDAT" && (last === "IHDR" || last === "IDAT")) ||
  (name === "IEND" && last === "IDAT");

function checkHeader(body, width, height) {
  const view = viewOf(body);
  const fits = body.length === 13 && view.getUint32(0) === width && view.getUint32(4) === height;
  if (!fits || MODES.some((mode, i) => body[8 + i] !== mode)) wrong("a PNG file of another size or kind");
}

/** The content of a zlib stream (RFC 1950), of exactly `size` bytes. */
function unwrap(bytes, size) {
  if (
    bytes.length < 6 ||
    (bytes[0] & 15) !== 8 ||
    bytes[0] >> 4 > 7 ||
    (bytes[0] * 256 + bytes[1]) % 31 ||
    bytes[1] & 32
  )
    wrong("pixels are not one zlib stream");
  const { output, consumed } = inflate(bytes.subarray(2, -4), { limit: size, code: "payload" });
  if (output.length !== size || consumed !== bytes.length - 6) wrong("pixels have another length");
  if (adler32(output) !== viewOf(bytes).getUint32(bytes.length - 4)) wrong("the checksum of pixels differs");
  return output;
}

export function adler32(bytes) {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length;) {
    const end = Math.min(bytes.length, i + 3800);
    for (; i < end; i++) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}

/** Undoes the filters of lines (PNG, section 9). */
function unfilter(lines, width, height) {
  const stride = 3 * width;
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = lines[y * (stride + 1)];
    if (filter > 4) wrong("a line has an unknown filter");
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= 3 ? out[to + x - 3] : 0;
      const up = y ? out[to + x - stride] : 0;
      const corner = x >= 3 && y ? out[to + x - stride - 3] : 0;
      const guess =
        filter === 0
          ? 0
          : filter === 1
            ? left
            : filter === 2
              ? up
              : filter === 3
                ? (left + up) >> 1
                : paeth(left, up, corner);
      out[to + x] = lines[from + x] + guess;
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
