/** Bytes: little-endian numbers, comparison, hexadecimal, UTF-8 and SHA-256. */
import { DdzError } from "./errors.js";

const encoder = new TextEncoder();
// A byte order mark is a character like any other here.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/**
 * The text that UTF-8 bytes say; a DdzError with `code` where they are none.
 * @param {Uint8Array} bytes
 * @param {string} code
 */
export function textOf(bytes, code) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new DdzError(code, "a text is not UTF-8");
  }
}

/**
 * Order of two byte strings: negative, zero or positive.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function compareBytes(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** @param {Uint8Array[]} parts */
export function concat(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} bytes */
export const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * SHA-256 by WebCrypto, which browsers offer to pages of https, of localhost and of files.
 * @param {Uint8Array} bytes
 */
export async function sha256(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) throw new DdzError("transport", "SHA-256 needs a page of https, of localhost or of a file");
  return new Uint8Array(await subtle.digest("SHA-256", bytes));
}

/** A cursor over raw bytes, which refuses to read beyond their end. */
export class Cursor {
  /**
   * @param {Uint8Array} bytes
   * @param {string} [code] that of the error where bytes are missing or left
   */
  constructor(bytes, code = "payload") {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.at = 0;
    this.code = code;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  /** @param {number} length */
  take(length) {
    if (length > this.left) throw new DdzError(this.code, "bytes are missing");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    this.take(2);
    return this.view.getUint16(this.at - 2, true);
  }

  i16() {
    this.take(2);
    return this.view.getInt16(this.at - 2, true);
  }

  u32() {
    this.take(4);
    return this.view.getUint32(this.at - 4, true);
  }

  f32() {
    this.take(4);
    return this.view.getFloat32(this.at - 4, true);
  }

  /** @param {number} count */
  u16s(count) {
    this.need(2 * count);
    return Uint16Array.from({ length: count }, () => this.u16());
  }

  /** @param {number} bytes how many must be left */
  need(bytes) {
    if (bytes > this.left) throw new DdzError(this.code, "bytes are missing");
  }

  end() {
    if (this.left) throw new DdzError(this.code, "bytes are left over");
  }
}
