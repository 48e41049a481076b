/** Parameters of codecs: exactly those, integers within their ranges (spec/codecs.md, section 1). */
import { DdzError } from "../errors.js";

/**
 * @param {object} params as the file has them
 * @param {Record<string, [number, number]>} ranges
 */
export function checkParameters(params, ranges) {
  const names = Object.keys(ranges);
  if (Object.keys(params).length !== names.length || !names.every((name) => name in params))
    throw new DdzError("header", "a codec has other parameters than it should");
  for (const [name, [least, most]] of Object.entries(ranges))
    if (!Number.isSafeInteger(params[name]) || params[name] < least || params[name] > most)
      throw new DdzError("header", `the parameter ${name} of a codec is out of range`);
}

/** Requires that what is stored has the shape of its box. */
export function shaped(holds) {
  if (!holds) throw new DdzError("payload", "a section holds an array of another shape than its box");
}

export function wrong(message) {
  throw new DdzError("payload", message);
}
