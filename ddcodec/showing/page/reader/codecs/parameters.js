/** Parameters of codecs: exactly those, integers within their ranges (spec/codecs.md, section 1). */
import { DdzError } from "../errors.js";

/**
 * Texts are one of those that a list names, else `unsupported`.
 * @param {object} params as the file has them
 * @param {Record<string, number[] | string[]>} ranges
 */
export function checkParameters(params, ranges) {
  const names = Object.keys(ranges);
  if (Object.keys(params).length !== names.length || !names.every((name) => name in params))
    throw new DdzError("header", "a codec has other parameters than it should");
  for (const [name, range] of Object.entries(ranges)) {
    const value = params[name];
    const text = typeof range[0] === "string";
    if (
      text ? typeof value !== "string" : !Number.isSafeInteger(value) || value < range[0] || value > range[1]
    )
      throw new DdzError("header", `the parameter ${name} of a codec is out of range`);
    if (text && !range.includes(value))
      throw new DdzError("unsupported", `the ${name} of a codec is unknown to this reader`);
  }
}

/** Requires that what is stored has the shape of its box. */
export function shaped(holds) {
  if (!holds) throw new DdzError("payload", "a section holds an array of another shape than its box");
}

export function wrong(message) {
  throw new DdzError("payload", message);
}
