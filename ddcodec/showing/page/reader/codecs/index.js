/** The codecs by name: from a section's raw bytes to what it holds (spec/codecs.md). */
import { DdzError } from "../errors.js";
import { VERSIONS } from "../registry.js";
import { viewDraws } from "./draws.js";
import { hardLabels, labelFields, labelModel, softLabels, topKLabels } from "./labels.js";
import { quantisedLatents, scheduleTable } from "./latents.js";
import { mosaicAvif, mosaicPng, mosaicWebp } from "./mosaics.js";
import { checkParameters, shaped } from "./parameters.js";
import { promptFp16, promptInt8, promptText } from "./prompts.js";
import { seedDerived, seedList } from "./seeds.js";
import { teacherWeights } from "./teacher.js";

const pixelDigest = {
  ranges: { length: [1, 32] },
  /** @returns {Uint8Array} [classes][slots][length] */
  decode(raw, [classes, slots, length], params) {
    shaped(length === params.length && raw.length === classes * slots * length);
    return raw;
  },
};

/**
 * A codec: the ranges of its parameters, and what decodes raw bytes of a shape.
 * @typedef {{ranges: Record<string, number[] | string[]>, check?: (params: any) => boolean,
 *   mostRaw?: (classes: number) => number, decode: (raw: Uint8Array, shape: number[], params: any) => any}} Codec
 * @type {Record<string, Codec>}
 */
export const CODECS = Object.freeze({
  __proto__: null,
  "hard-labels": hardLabels,
  "label-fields": labelFields,
  "label-model": labelModel,
  "mosaic-avif": mosaicAvif,
  "mosaic-png": mosaicPng,
  "mosaic-webp": mosaicWebp,
  "pixel-digest": pixelDigest,
  "prompt-fp16": promptFp16,
  "prompt-int8": promptInt8,
  "prompt-text": promptText,
  "quantised-latents": quantisedLatents,
  "schedule-table": scheduleTable,
  "seed-derived": seedDerived,
  "seed-list": seedList,
  "soft-labels": softLabels,
  "teacher-weights": teacherWeights,
  "top-k-labels": topKLabels,
  "view-draws": viewDraws,
});

/**
 * The codec of a section, its parameters checked.
 * @param {{name: string, version: number, params: any}} of
 * @returns {Codec}
 */
export function codecOf({ name, version, params }) {
  const codec = CODECS[name];
  if (!codec || VERSIONS[name] !== version)
    throw new DdzError("unknown-codec", `the codec ${name} ${version} is unknown`);
  checkParameters(params, codec.ranges);
  if (codec.check && !codec.check(params))
    throw new DdzError("header", `the parameters of ${name} do not fit each other`);
  return codec;
}
