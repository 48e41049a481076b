/** Pictures as URLs that a page can show: PNG in memory, of which some are kept. */
import { concat, utf8 } from "../reader/bytes.js";
import { crc32 } from "../reader/container/crc32.js";
import { adler32 } from "../reader/codecs/png.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const MOST_STORED = 65535;

const u32 = (value) => Uint8Array.of(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);

function chunk(name, body) {
  const named = concat([utf8(name), body]);
  return concat([u32(body.length), named, u32(crc32(named))]);
}

/** Bytes as a zlib stream of stored blocks: made at once, and never larger than what is in memory anyway. */
function stored(bytes) {
  const parts = [Uint8Array.of(0x78, 0x01)];
  for (let at = 0; at < bytes.length; at += MOST_STORED) {
    const block = bytes.subarray(at, at + MOST_STORED);
    const last = at + block.length === bytes.length ? 1 : 0;
    const [low, high] = [block.length & 255, block.length >> 8];
    parts.push(Uint8Array.of(last, low, high, 255 - low, 255 - high), block);
  }
  return concat([...parts, u32(adler32(bytes))]);
}

/**
 * A picture as a PNG file.
 * @param {import("../reader/codecs/mosaics.js").Picture} picture
 * @returns {Uint8Array}
 */
export function pngOf({ width, height, data }) {
  const lines = new Uint8Array(height * (1 + 3 * width));
  for (let y = 0; y < height; y++)
    lines.set(data.subarray(3 * width * y, 3 * width * (y + 1)), y * (1 + 3 * width) + 1);
  const header = concat([u32(width), u32(height), Uint8Array.of(8, 2, 0, 0, 0)]);
  return concat([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", stored(lines)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** URLs of pictures; the oldest are given up where they take more than so many bytes. */
export class PictureUrls {
  #most;
  #bytes = 0;
  #kept = [];

  constructor(most = 64 * 2 ** 20) {
    this.#most = most;
  }

  of(picture) {
    const file = pngOf(picture);
    const url = URL.createObjectURL(new Blob([file], { type: "image/png" }));
    this.#kept.push([url, file.length]);
    this.#bytes += file.length;
    while (this.#bytes > this.#most && this.#kept.length > 1) {
      const [old, length] = this.#kept.shift();
      URL.revokeObjectURL(old);
      this.#bytes -= length;
    }
    return url;
  }
}
