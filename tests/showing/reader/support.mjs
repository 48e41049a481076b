/** What the tests of the JavaScript reader share: vectors, files, errors and comparisons. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Artifact, DdzError, MemoryBlob } from "../../../ddcodec/showing/page/reader/index.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** @param {string} name below spec/vectors */
export const vectorFile = (name) => new Uint8Array(readFileSync(`${root}spec/vectors/${name}`));
export const vectors = (name) => JSON.parse(readFileSync(`${root}spec/vectors/${name}`, "utf8"));
export const dictionary = new Uint8Array(readFileSync(`${root}ddcodec/container/header_dictionary.bin`));

/** Opens the artifact of a file of spec/vectors. */
export const openVector = (name, options) =>
  Artifact.open(new MemoryBlob(vectorFile(name)), { dictionary, ...options });

export const fromHex = (text) => new Uint8Array(Buffer.from(text, "hex"));
export const sha256 = (bytes) =>
  createHash("sha256")
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest("hex");

/** The code of the error that something ends in, `ok` where it ends in none; other errors pass through. */
export async function outcome(of) {
  try {
    await of();
    return "ok";
  } catch (error) {
    if (error instanceof DdzError) return error.code;
    throw error;
  }
}

/** C's hexadecimal form of a float. */
export function fromHexFloat(text) {
  const [, sign, whole, fraction, exponent] = /^(-?)0x([01])\.([0-9a-f]*)p([+-]\d+)$/.exec(text);
  const value =
    (Number(whole) + parseInt(fraction || "0", 16) / 16 ** fraction.length) * 2 ** Number(exponent);
  return sign ? -value : value;
}

/** Nested lists of a flat array, the last axis fastest. */
export function nested(flat, shape) {
  if (shape.length === 0) return flat[0];
  const size = flat.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) =>
    nested(flat.slice(i * size, (i + 1) * size), shape.slice(1)),
  );
}

/** A seed given as decimal text, as its halves. */
export const seedFrom = (text) => [Number(BigInt(text) & 0xffffffffn), Number(BigInt(text) >> 32n)];
export const seedText = ([low, high]) => String((BigInt(high) << 32n) | BigInt(low));

/** A decoder of WebP and AVIF: a program that turns a file on stdin into its size and RGBA on stdout. */
export const decoderOf =
  ([program, ...options]) =>
  async (picture) => {
    const { stdout, stderr, status } = spawnSync(program, options, { input: picture, maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(String(stderr));
    return { width: stdout.readUInt32LE(0), height: stdout.readUInt32LE(4), data: stdout.subarray(8) };
  };

/** Every row of an artifact: class, slot, view. */
export function* rowsOf({ head: { rows, recipe } }) {
  for (const [start, count] of rows)
    for (let c = start; c < start + count; c++)
      for (let s = 0; s < recipe.ipc; s++) for (let v = 0; v < recipe.views; v++) yield [c, s, v];
}

/** Pseudo-random integers, the same in every run (xorshift). */
export function generator(seed) {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export { assert };
