/**
 * Where bytes come from, behind one `length` and one `read(offset, length)`: memory, a file that
 * somebody opened or dropped, or a URL.
 */
import { concat } from "./bytes.js";
import { DdzError } from "./errors.js";

/** How much of a URL is fetched to begin with: the header of most files, in one request. */
const FIRST = 65536;
/** The largest file that is fetched whole, where a server does not give parts. */
const MOST_WHOLE = 2 ** 30;

/** Bytes in memory. */
export class MemoryBlob {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    // Of a Buffer of Node, whose slices are no copies, a plain view.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
  }

  async read(offset, length) {
    return part(this.bytes, offset, length);
  }
}

/** A `File` or `Blob` of the browser. */
export class FileBlob {
  /** @param {globalThis.Blob} file */
  constructor(file) {
    this.file = file;
    this.length = file.size;
  }

  async read(offset, length) {
    let bytes;
    try {
      bytes = new Uint8Array(await this.file.slice(offset, offset + length).arrayBuffer());
    } catch (error) {
      throw new DdzError("transport", `the file cannot be read any more: ${error.message}`);
    }
    return part(bytes, 0, length);
  }
}

/**
 * A URL, by range requests; where the server answers with the whole file, or does not say its
 * length to pages of elsewhere, the file is fetched once and kept.
 */
export class UrlBlob {
  /**
   * @param {string | URL} url
   * @param {{fetch?: typeof fetch, mostWhole?: number}} [options]
   * @returns {Promise<UrlBlob | MemoryBlob>}
   */
  static async open(url, { fetch = globalThis.fetch, mostWhole = MOST_WHOLE } = {}) {
    const response = await ask(fetch, url, 0, FIRST);
    const total = response.status === 206 ? totalOf(response, 0) : null;
    if (total !== null) {
      const first = await bodyOf(response, Math.min(FIRST, total), url);
      return new UrlBlob(url, fetch, total, first, response.headers.get("etag"));
    }
    if (response.status === 206) await response.body?.cancel();
    const whole = response.status === 206 ? await get(fetch, url, {}) : response;
    if (whole.status === 416) return new MemoryBlob(new Uint8Array(0));
    if (whole.status !== 200) throw unreachable(url, `the server answers ${whole.status}`);
    return new MemoryBlob(await wholeOf(whole, mostWhole, url));
  }

  /** Use `UrlBlob.open`. */
  constructor(url, fetch, length, first, tag) {
    this.url = url;
    this.fetch = fetch;
    this.length = length;
    /** The bytes that it begins with. */
    this.first = first;
    this.tag = tag;
  }

  async read(offset, length) {
    if (offset + length <= this.first.length) return part(this.first, offset, length);
    if (offset + length > this.length) throw cut();
    if (length === 0) return new Uint8Array(0);
    const response = await ask(this.fetch, this.url, offset, length);
    const same = response.headers.get("etag") === this.tag && totalOf(response, offset) === this.length;
    if (response.status !== 206 || !same) {
      await response.body?.cancel();
      throw unreachable(this.url, "the file changed while it was read: open it again");
    }
    return bodyOf(response, length, this.url);
  }
}

const cut = () => new DdzError("truncated", "the file ends too early");
const unreachable = (url, why) => new DdzError("transport", `${bare(url)} cannot be read: ${why}`);

/** A URL as it may be told: without names, passwords and keys. */
const bare = (url) =>
  String(url)
    .replace(/[?#].*$/s, "")
    .replace(/\/\/[^/]*@/, "//");

function part(bytes, offset, length) {
  if (offset + length > bytes.length) throw cut();
  return bytes.subarray(offset, offset + length);
}

async function get(fetch, url, headers) {
  try {
    return await fetch(url, { headers });
  } catch (error) {
    throw unreachable(url, error.message);
  }
}

const ask = (fetch, url, offset, length) =>
  get(fetch, url, { Range: `bytes=${offset}-${offset + length - 1}` });

/** The length of the whole file by a Content-Range that begins at `offset`; null where none is shown. */
function totalOf(response, offset) {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "");
  return match && Number(match[1]) === offset ? Number(match[2]) : null;
}

async function bodyOf(response, length, url) {
  const bytes = await wholeOf(response, length, url);
  if (bytes.length !== length) throw unreachable(url, "the server sent fewer bytes than it said");
  return bytes;
}

/** A response's body, of at most `most` bytes. */
async function wholeOf(response, most, url) {
  const parts = [];
  let length = 0;
  try {
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return concat(parts);
      length += value.length;
      if (length > most) {
        await reader.cancel();
        break;
      }
      parts.push(value);
    }
  } catch (error) {
    throw unreachable(url, error.message);
  }
  throw new DdzError("limit-exceeded", `${bare(url)} sends more than ${most} bytes at once`);
}
