/** An open file: prelude, header, index, sections and digest (spec/ddz.md). */
import { compareBytes, concat, hex, sha256, utf8, viewOf } from "../bytes.js";
import { DdzError, require } from "../errors.js";
import { crc32 } from "./crc32.js";
import { exactly, isMap, sectionsOf } from "./index_map.js";
import { inflate } from "./inflate.js";
import { LIMITS } from "./limits.js";
import { decodeCanonical, encodeCanonical } from "./msgpack.js";
import { decompress } from "./zstd.js";

const MAGIC = Uint8Array.of(0x89, 0x44, 0x44, 0x5a, 0x0d, 0x0a, 0x1a, 0x0a);
const PRELUDE = 32;
/** The one version of the format that this reader knows. */
const FORMAT = "1.0";
const DEFLATED = 1;
const DICTIONARY = "08febbda0a453873fa6a813a703af686915c4056674a11e34b44821c40cbec9c";

/**
 * Bytes that can be read: see blob.js.
 * @typedef {{length: number, read(offset: number, length: number): Promise<Uint8Array>}} Blob
 * @typedef {import("./index_map.js").Section} Section
 */

/**
 * Options of opening: limits other than the default ones, and the header dictionary, which is only
 * asked for where a header is deflated.
 * @typedef {{limits?: Partial<typeof LIMITS>, dictionary?: Uint8Array | (() => Promise<Uint8Array>)}}
 *   OpenOptions
 */

export class Container {
  /**
   * Opens a file: the checks 1 to 12 of spec/ddz.md, section 10, in their order.
   * @param {Blob} blob
   * @param {OpenOptions} [options]
   */
  static async open(blob, options = {}) {
    const limits = { ...LIMITS, ...options.limits };
    const prelude = await readPrelude(blob, limits);
    const stored = await blob.read(PRELUDE, prelude.headerLength);
    require(crc32(stored) === prelude.headerCrc, "checksum-mismatch", "the header is damaged");
    const bytes = prelude.deflated ? await inflated(stored, options, limits) : stored;
    const header = decodeCanonical(bytes, limits);
    exactly(header, ["digest", "head", "index", "info"], "the header");
    const { digest, head, info } = header;
    require(digest instanceof Uint8Array && digest.length === 32, "header", "the digest is not 32 bytes");
    require(isMap(head) && isMap(info), "header", "head or info is not a map");
    const start = PRELUDE + prelude.headerLength;
    return new Container(
      blob,
      { digest, head, info, limits, start, deflated: prelude.deflated },
      sectionsOf(header.index, start, blob.length, limits),
    );
  }

  /** Use `Container.open`. */
  constructor(blob, header, sections) {
    this.blob = blob;
    /** @type {Section[]} */
    this.sections = sections;
    /** @type {Uint8Array} what the file claims its content digest to be */
    this.digest = header.digest;
    this.head = header.head;
    this.info = header.info;
    this.limits = header.limits;
    this.deflated = header.deflated;
    this.format = FORMAT;
    /** Bytes of prelude and header. */
    this.headLength = header.start;
  }

  /**
   * The stored bytes of a section, whose checksum has been compared.
   * @param {Section} section
   */
  async stored(section) {
    const bytes = await this.blob.read(section.offset, section.stored);
    require(crc32(bytes) === section.crc, "checksum-mismatch", `${nameOf(section)} is damaged`);
    return bytes;
  }

  /**
   * The raw bytes of a section.
   * @param {Section} section
   */
  async raw(section) {
    const bytes = await this.stored(section);
    return section.codec.compression === "none" ? bytes : decompress(bytes, section.raw, this.limits.window);
  }

  /** Compares every section's checksum: level *crc*. */
  async checkSums() {
    for (const section of this.sections) await this.stored(section);
  }

  /** Compares the content digest, for which every section is read: level *digest*. */
  async checkDigest() {
    const rows = [];
    for (const section of this.sections) {
      const raw = await this.raw(section);
      const { name, version, params } = section.codec;
      if (!(section.flags & 1))
        rows.push([section.kind, name, version, params, section.box, section.raw, await sha256(raw)]);
    }
    const digest = await sha256(concat([utf8("ddz/content/1\0"), encodeCanonical([this.head, rows])]));
    require(compareBytes(digest, this.digest) ===
      0, "digest-mismatch", "the content is not what the digest says");
  }
}

/** @param {Section} section */
export const nameOf = (section) => `section ${section.kind}[${section.number}]`;

/** Checks 1 to 6. */
async function readPrelude(blob, limits) {
  const bytes = await blob.read(0, Math.min(PRELUDE, blob.length));
  const magic = bytes.subarray(0, 8);
  if (compareBytes(magic, MAGIC.subarray(0, magic.length)) !== 0)
    throw new DdzError("bad-magic", "this is not a .ddz file");
  require(bytes.length === PRELUDE, "truncated", "the file ends within its first 32 bytes");
  const view = viewOf(bytes);
  const [major, minor, flags] = [view.getUint16(8, true), view.getUint16(10, true), view.getUint32(12, true)];
  require(major === 1 &&
    minor === 0 &&
    flags <= DEFLATED, "unsupported-version", "the file needs a newer reader");
  const headerLength = view.getUint32(16, true);
  require(headerLength <= limits.header, "limit-exceeded", "the header is larger than this reader allows");
  const fileLength = Number(view.getBigUint64(24, true));
  require(PRELUDE + headerLength <= fileLength, "header", "the header ends after the file");
  require(fileLength ===
    blob.length, "truncated", `the file has ${blob.length} bytes and says that it has ${fileLength}: fetch it again`);
  return { headerLength, headerCrc: view.getUint32(20, true), deflated: flags === DEFLATED };
}

async function inflated(stored, { dictionary }, limits) {
  const given = typeof dictionary === "function" ? await dictionary() : dictionary;
  if (!given)
    throw new DdzError(
      "request",
      "the header is deflated: give the bytes of header_dictionary.bin as `dictionary`",
    );
  if (hex(await sha256(given)) !== DICTIONARY)
    throw new DdzError("request", "the bytes given as `dictionary` are not those of header_dictionary.bin");
  const { output, consumed } = inflate(stored, {
    limit: limits.header,
    code: "header",
    over: "limit-exceeded",
    dictionary: given,
  });
  require(consumed === stored.length, "header", "bytes follow the deflated header");
  return output;
}
