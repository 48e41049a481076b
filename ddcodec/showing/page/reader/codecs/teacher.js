/** Stored teachers (spec/teacher.md): this reader decodes what they are, and does not execute them. */
import { Cursor } from "../bytes.js";
import { matrix } from "../entropy/packed.js";
import { DdzError } from "../errors.js";
import { wrong } from "./parameters.js";
import { halfFloat, planes } from "./prompts.js";

const MOST_WEIGHTS = 2 ** 24;
const MOST_TERMS = 2 ** 16;

/**
 * The layers of a network (spec/teacher.md, section 2): output channels, terms of each, and how many
 * numbers each has besides.
 * @param {{arch: string, classes: number, side: number}} params
 * @returns {{out: number, terms: number, vectors: number}[]}
 */
export function layersOf({ arch, classes, side }) {
  if (arch.startsWith("convnet")) {
    const depth = Number(arch.slice("convnet".length));
    const convolutions = Array.from({ length: depth }, (_, i) => ({
      out: 128,
      terms: 9 * (i ? 128 : 3),
      vectors: 2,
    }));
    return [...convolutions, { out: classes, terms: 128 * Math.floor(side / 2 ** depth) ** 2, vectors: 1 }];
  }
  const width = arch === "resnet18" ? 64 : 32;
  const layer = (out, terms) => ({ out, terms, vectors: 1 });
  const layers = [layer(width, 3 * (side <= 64 ? 9 : 49))];
  for (let i = 0, channels = width; i < 4; i++)
    for (let j = 0; j < 2; j++) {
      const out = 2 ** i * width;
      layers.push(layer(out, 9 * channels), layer(out, 9 * out));
      if (i > 0 && j === 0) layers.push(layer(out, channels));
      channels = out;
    }
  return [...layers, layer(classes, 8 * width)];
}

/** All numbers of a network: weights, and those of each channel. */
export const numbersOf = (params) =>
  layersOf(params).reduce((sum, { out, terms, vectors }) => sum + out * (terms + vectors), 0);

export const teacherWeights = {
  ranges: {
    arch: ["convnet3", "convnet4", "convnet5", "resnet18", "resnet18-half"],
    bits: [3, 8],
    classes: [1, 65535],
    side: [1, 8192],
  },
  check(params) {
    const layers = layersOf(params);
    const weights = layers.reduce((sum, { out, terms }) => sum + out * terms, 0);
    const { terms } = layers[layers.length - 1];
    if (terms === 0 || terms > MOST_TERMS || weights > MOST_WEIGHTS)
      throw new DdzError("unsupported", "a stored teacher is of a size that this version does not know");
    return true;
  },
  /** @returns {{means: number[], deviations: number[], layers: StoredLayer[]}} */
  decode(raw, _shape, params) {
    const cursor = new Cursor(raw);
    const statistics = (least) =>
      Array.from({ length: 3 }, () => {
        const value = cursor.u32();
        if (value < least || value > 65536) wrong("the input statistics of a teacher are out of range");
        return value;
      });
    const [means, deviations] = [statistics(0), statistics(1)];
    const layers = layersOf(params).map((layer) => readLayer(cursor, layer, 2 ** (params.bits - 1) - 1));
    cursor.end();
    return { means, deviations, layers };
  },
};

/**
 * A layer: integers [out][terms], a scale of each output channel, and its further numbers.
 * @typedef {{weights: Int8Array, scales: Float32Array, vectors: Float32Array[]}} StoredLayer
 */
function readLayer(cursor, { out, terms, vectors }, top) {
  const all = Float32Array.from(planes(cursor.take(2 * out * (1 + vectors)), out * (1 + vectors)), halfFloat);
  const [scales, ...further] = Array.from({ length: 1 + vectors }, (_, i) =>
    all.subarray(i * out, (i + 1) * out),
  );
  if (!all.every(Number.isFinite) || !scales.every((scale) => scale > 0))
    wrong("a teacher holds what is no number, or no scale");
  const [tables, shifts] = [cursor.take(out), cursor.take(out)];
  if (shifts.some((shift) => shift > 7)) wrong("the shift of a channel is above 7");
  const lanes = Math.max(1, Math.min(terms, Math.floor((out * terms) / 2048)));
  const columns = Array.from(tables, (table, i) => ({ table, shift: shifts[i] }));
  const turned = matrix(cursor.take(cursor.u32()), lanes, terms, columns);
  if (turned.some((value) => Math.abs(value) > top))
    wrong("a weight of a teacher needs more bits than it says");
  const weights = new Int8Array(turned.length);
  for (let r = 0, from = 0; r < terms; r++)
    for (let o = 0; o < out; o++) weights[o * terms + r] = turned[from++];
  return { weights, scales, vectors: further };
}
