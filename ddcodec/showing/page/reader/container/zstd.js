/**
 * One frame of zstd (RFC 8878), as spec/ddz.md, section 6, allows it.
 *
 * All headers of the frame and of its blocks are checked before a byte is decompressed, and no more
 * is ever made than the content size, which the index knows too.
 */
import { xxh64Low } from "./xxh64.js";
import { BackwardBits, fail, fseOf, huffmanDecode, readFse, readHuffman } from "./zstd_codes.js";
import { frameOf } from "./zstd_frame.js";
import { CODES, LITERAL_BASES, LITERAL_BITS, MATCH_BASES, MATCH_BITS } from "./zstd_tables.js";

/**
 * The content of a frame.
 * @param {Uint8Array} bytes exactly one frame
 * @param {number} size what its content must be, in bytes
 * @param {number} mostWindow the reader's limit
 * @returns {Uint8Array}
 */
export function decompress(bytes, size, mostWindow) {
  const { blocks, checksum } = frameOf(bytes, size, mostWindow);
  const state = new Frame(size);
  for (const block of blocks) state.block(block);
  if (state.length !== size) fail("its blocks are shorter than its content size");
  if (checksum !== null && xxh64Low(state.out) !== checksum) fail("its checksum differs");
  return state.out;
}

/** What blocks hand on to the next: the output, the last three offsets, and the codes. */
class Frame {
  constructor(size) {
    this.out = new Uint8Array(size);
    this.length = 0;
    this.recent = [1, 4, 8];
    this.huffman = null;
    this.tables = { literals: null, offsets: null, matches: null };
  }

  room(count) {
    if (this.length + count > this.out.length) fail("its blocks are longer than its content size");
  }

  put(bytes) {
    this.room(bytes.length);
    this.out.set(bytes, this.length);
    this.length += bytes.length;
  }

  block({ type, length, longest, bytes }) {
    if (type === 0) return this.put(bytes);
    if (type === 1) {
      this.room(length);
      this.out.fill(bytes[0], this.length, this.length + length);
      this.length += length;
      return undefined;
    }
    const begin = this.length;
    const [literals, used] = this.literals(bytes, longest);
    this.sequences(bytes.subarray(used), literals);
    if (this.length - begin > longest) fail("a block longer than it may be");
    return undefined;
  }

  /** The literals of a block, and the bytes that they took (RFC 8878, 3.1.1.3.1). */
  literals(bytes, longest) {
    const type = bytes[0] & 3;
    const form = (bytes[0] >> 2) & 3;
    const word = (count) => {
      if (count > bytes.length) fail("a block is cut short");
      let value = 0;
      for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[i];
      return value;
    };
    if (bytes.length === 0) fail("a block is empty");
    if (type < 2) {
      const [head, shift] = [
        [1, 3],
        [2, 4],
        [1, 3],
        [3, 4],
      ][form];
      const size = word(head) >> shift;
      if (size > longest) fail("more literals than a block holds");
      const stored = type === 0 ? size : 1;
      if (head + stored > bytes.length) fail("a block is cut short");
      const body = bytes.subarray(head, head + stored);
      return [type === 0 ? body : new Uint8Array(size).fill(body[0]), head + stored];
    }
    const [head, width] = [
      [3, 10],
      [3, 10],
      [4, 14],
      [5, 18],
    ][form];
    const packed = Math.floor(word(head) / 16);
    const size = packed % 2 ** width;
    const end = head + Math.floor(packed / 2 ** width);
    if (size > longest) fail("more literals than a block holds");
    if (end > bytes.length) fail("a block is cut short");
    let body = bytes.subarray(head, end);
    if (type === 2) {
      const [table, used] = readHuffman(body);
      this.huffman = table;
      body = body.subarray(used);
    }
    if (!this.huffman) fail("no Huffman table to use again");
    const out = new Uint8Array(size);
    if (form === 0) huffmanDecode(this.huffman, body, out);
    else this.fourStreams(body, out);
    return [out, end];
  }

  fourStreams(body, out) {
    if (body.length < 6) fail("literals are cut short");
    const each = (out.length + 3) >> 2;
    if (3 * each > out.length) fail("too few literals for four streams");
    let at = 6;
    for (let i = 0; i < 4; i++) {
      const end = i < 3 ? at + body[2 * i] + 256 * body[2 * i + 1] : body.length;
      if (end > body.length) fail("literals are cut short");
      huffmanDecode(
        this.huffman,
        body.subarray(at, end),
        out.subarray(i * each, i < 3 ? (i + 1) * each : out.length),
      );
      at = end;
    }
  }

  /** Carries out the sequences of a block (RFC 8878, 3.1.1.3.2 to 3.1.1.5). */
  sequences(bytes, literals) {
    if (bytes.length === 0) fail("a block has no sequences");
    let count = bytes[0];
    let at = 1;
    if (count >= 128) {
      at = count === 255 ? 3 : 2;
      if (at > bytes.length) fail("a block is cut short");
      count = count === 255 ? bytes[1] + 256 * bytes[2] + 0x7f00 : (count - 128) * 256 + bytes[1];
    }
    if (count === 0) {
      if (at !== bytes.length) fail("bytes follow a block's literals");
      return this.put(literals);
    }
    if (at >= bytes.length) fail("a block is cut short");
    const modes = bytes[at++];
    if (modes & 3) fail("reserved bits are set");
    for (const [name, shift] of [
      ["literals", 6],
      ["offsets", 4],
      ["matches", 2],
    ])
      at += this.code(name, (modes >> shift) & 3, bytes.subarray(at));
    const used = this.carryOut(count, new BackwardBits(bytes.subarray(at)), literals);
    return this.put(literals.subarray(used));
  }

  /** Sets one of the three tables; how many bytes it took. */
  code(name, mode, bytes) {
    const { symbols, most, table } = CODES[name];
    if (mode === 0) this.tables[name] = table;
    else if (mode === 1) {
      if (bytes.length === 0 || bytes[0] >= symbols) fail("a code that is none");
      this.tables[name] = fseOf(bytes[0]);
      return 1;
    } else if (mode === 2) {
      const [read, used] = readFse(bytes, most, symbols);
      this.tables[name] = read;
      return used;
    } else if (!this.tables[name]) fail("no table to use again");
    return 0;
  }

  carryOut(count, stream, literals) {
    const { literals: ll, offsets: of, matches: ml } = this.tables;
    let [l, o, m] = [stream.read(ll.log), stream.read(of.log), stream.read(ml.log)];
    let used = 0;
    for (let i = 0; i < count; i++) {
      const offsetCode = of.symbols[o];
      const value = 2 ** offsetCode + stream.read(offsetCode);
      const matchCode = ml.symbols[m];
      const length = MATCH_BASES[matchCode] + stream.read(MATCH_BITS[matchCode]);
      const literalCode = ll.symbols[l];
      const run = LITERAL_BASES[literalCode] + stream.read(LITERAL_BITS[literalCode]);
      if (i < count - 1) {
        l = ll.bases[l] + stream.read(ll.bits[l]);
        m = ml.bases[m] + stream.read(ml.bits[m]);
        o = of.bases[o] + stream.read(of.bits[o]);
      }
      if (stream.left < 0) fail("sequences are cut short");
      if (run > literals.length - used) fail("sequences take more literals than there are");
      this.put(literals.subarray(used, used + run));
      used += run;
      this.copy(this.offset(value, run), length);
    }
    if (stream.left !== 0) fail("bits are left after sequences");
    return used;
  }

  offset(value, run) {
    const { recent } = this;
    if (value > 3) {
      this.recent = [value - 3, recent[0], recent[1]];
      return value - 3;
    }
    const which = value - 1 + (run === 0 ? 1 : 0);
    if (which === 0) return recent[0];
    const offset = which === 3 ? recent[0] - 1 : recent[which];
    this.recent = which === 1 ? [offset, recent[0], recent[2]] : [offset, recent[0], recent[1]];
    return offset;
  }

  copy(offset, length) {
    if (offset < 1 || offset > this.length) fail("an offset beyond the beginning");
    this.room(length);
    const { out } = this;
    for (let i = 0, to = this.length; i < length; i++, to++) out[to] = out[to - offset];
    this.length += length;
  }
}
