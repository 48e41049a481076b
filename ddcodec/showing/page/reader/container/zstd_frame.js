/** The headers of a zstd frame and of its blocks (RFC 8878, 3.1.1), all checked before any is decoded. */
import { viewOf } from "../bytes.js";
import { DdzError } from "../errors.js";
import { fail } from "./zstd_codes.js";

const MAGIC = 0xfd2fb528;
const LONGEST_BLOCK = 128 * 1024;

/**
 * The blocks of a frame, and its checksum where it has one.
 * @param {Uint8Array} bytes exactly one frame
 * @param {number} size what its content must be, in bytes
 * @param {number} mostWindow
 */
export function frameOf(bytes, size, mostWindow) {
  const view = viewOf(bytes);
  const need = (end) => end <= bytes.length || fail("it is cut short");
  need(5);
  if (view.getUint32(0, true) !== MAGIC) fail("it is none");
  const flags = bytes[4];
  const single = (flags & 0x20) !== 0;
  if (flags & 0x08) fail("a reserved bit is set");
  if (flags & 0x03) fail("it needs a dictionary");
  const width = [single ? 1 : 0, 2, 4, 8][flags >> 6];
  if (width === 0) fail("it declares no content size");
  let at = 5;
  let window = size;
  if (!single) {
    need(at + 1);
    const base = 2 ** (10 + (bytes[at] >> 3));
    window = base + (base / 8) * (bytes[at] & 7);
    at += 1;
  }
  need(at + width);
  if (contentSize(view, at, width) !== size) fail("its content size is another than the index says");
  if (window > mostWindow) throw new DdzError("limit-exceeded", "the window of a zstd frame is too large");
  at += width;
  const longest = Math.min(window, LONGEST_BLOCK);
  const blocks = [];
  for (let last = false; !last;) {
    need(at + 3);
    const head = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    at += 3;
    last = (head & 1) === 1;
    const type = (head >> 1) & 3;
    const length = head >> 3;
    if (type === 3) fail("a block of the reserved type");
    if (length > longest) fail("a block longer than it may be");
    const stored = type === 1 ? 1 : length;
    need(at + stored);
    blocks.push({ type, length, longest, bytes: bytes.subarray(at, at + stored) });
    at += stored;
  }
  const checksum = flags & 0x04 ? (need(at + 4), view.getUint32(at, true)) : null;
  if (at + (checksum === null ? 0 : 4) !== bytes.length) fail("bytes follow it");
  return { blocks, checksum };
}

function contentSize(view, at, width) {
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  if (width === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}
