/**
 * Mosaics (spec/codecs.md, section 5): many patches in one picture.
 *
 * PNG is decoded here, exactly. Files of WebP and what surrounds a frame of AV1 are checked bit by
 * bit, as the specification says; what is coded within is the decoder's to judge, and browsers
 * forgive a frame of AV1 that is cut.
 */
import { decodePng } from "./png.js";
import { avifOf } from "./avif.js";
import { viewOf } from "../bytes.js";
import { wrong } from "./parameters.js";

const MOST_PIXELS = 2 ** 24;
const SIDES = { width: [1, 8192], height: [1, 8192] };

/** A picture: RGB [height][width][3]. @typedef {{width: number, height: number, data: Uint8Array}} Picture */

/**
 * The decoder of other formats: from a file and its media type to RGBA, as a canvas gives it.
 * @typedef {(file: Uint8Array, type: string) => Promise<{width: number, height: number,
 *   data: Uint8Array | Uint8ClampedArray}>} Decoder
 */

/**
 * A mosaic, whose picture may be decoded yet: `picture` is its size, `patch` that of a patch, and
 * `byteLength` what it keeps in memory.
 * @typedef {{exact: boolean, byteLength: number, columns: number, picture: number[], patch: number[],
 *   rgb(decoder: Decoder): Promise<Picture>}} Mosaic
 */

/** A codec of mosaics, whose sides are at most `most`. */
function mosaic(most, open) {
  return {
    ranges: SIDES,
    /** @returns {Mosaic} */
    decode(raw, [count, height, width], params) {
      if (params.width !== width || params.height !== height) wrong("patches have another size");
      const columns = ceilRoot(count);
      const size = [columns * width, Math.ceil(count / columns) * height];
      if (size[0] * size[1] > MOST_PIXELS || Math.max(...size) > most) wrong("a mosaic is too large");
      return {
        columns,
        picture: size,
        patch: [width, height],
        byteLength: raw.length,
        ...open(raw, size[0], size[1]),
      };
    },
  };
}

const ceilRoot = (n) => {
  const root = Math.floor(Math.sqrt(n));
  return root * root === n ? root : root + 1;
};

export const mosaicPng = mosaic(Infinity, (raw, width, height) => {
  const data = decodePng(raw, width, height);
  return { exact: true, byteLength: data.length, rgb: async () => ({ width, height, data }) };
});

export const mosaicWebp = mosaic(16383, (raw, width, height) => {
  checkWebp(raw, width, height);
  return { exact: false, rgb: async (decoder) => rgbOf(await decoder(raw, "image/webp"), width, height) };
});

export const mosaicAvif = mosaic(10922, (raw, width, height) => {
  const file = avifOf(raw, width, 3 * height);
  return {
    exact: false,
    rgb: async (decoder) => fromPlanes(rgbOf(await decoder(file, "image/avif"), width, 3 * height), height),
  };
});

/**
 * Patch `number` of a mosaic's picture.
 * @param {Picture} picture
 * @param {Mosaic} mosaic
 * @param {number} number
 * @returns {Picture}
 */
export function patchOf(picture, { columns, patch: [width, height] }, number) {
  const left = (number % columns) * width;
  const top = Math.floor(number / columns) * height;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const at = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(at, at + 3 * width), 3 * width * y);
  }
  return { width, height, data };
}

/** What a WebP file may be: one key frame of VP8 and nothing else. */
function checkWebp(bytes, width, height) {
  const length = bytes.length < 30 ? -1 : viewOf(bytes).getUint32(16, true);
  const padding = length % 2;
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  const whole =
    length >= 10 &&
    bytes.length === 20 + length + padding &&
    viewOf(bytes).getUint32(4, true) === length + padding + 12;
  if (!whole || text(0, 4) !== "RIFF" || text(8, 16) !== "WEBPVP8 ")
    wrong("this is no WebP file of one frame");
  if (padding && bytes[bytes.length - 1] !== 0) wrong("the padding of a WebP file is not 0");
  const frame = bytes.subarray(20, 20 + length);
  const tag = frame[0] | (frame[1] << 8) | (frame[2] << 16);
  const [inter, version, shown, first] = [tag & 1, (tag >> 1) & 7, (tag >> 4) & 1, tag >> 5];
  if (inter || version > 3 || !shown || first < 1 || 10 + first > length)
    wrong("a WebP file's frame is no key frame");
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a)
    wrong("a WebP file's frame has no start code");
  const view = viewOf(frame);
  if (view.getUint16(6, true) !== width || view.getUint16(8, true) !== height)
    wrong("a WebP file has another size");
  if (!(frame[10] < 64)) wrong("a WebP file of another colour space");
}

/** Drops the alpha of what a decoder gives, after comparing its size. */
function rgbOf({ width: w, height: h, data }, width, height) {
  if (w !== width || h !== height || data.length !== 4 * width * height)
    wrong("a mosaic decodes to another size");
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    rgb[to] = data[from];
    rgb[to + 1] = data[from + 1];
    rgb[to + 2] = data[from + 2];
  }
  return { width, height, data: rgb };
}

/** RGB of the planes Y, Co and Cg, which lie one below the other in a grey picture. */
function fromPlanes({ width, data }, height) {
  const plane = width * height;
  const rgb = new Uint8ClampedArray(3 * plane);
  for (let i = 0; i < plane; i++) {
    const y = data[3 * i];
    const o = data[3 * (plane + i)] - 128;
    const g = data[3 * (2 * plane + i)] - 128;
    rgb[3 * i] = y - g + o;
    rgb[3 * i + 1] = y + g;
    rgb[3 * i + 2] = y - g - o;
  }
  return { width, height, data: new Uint8Array(rgb.buffer) };
}
