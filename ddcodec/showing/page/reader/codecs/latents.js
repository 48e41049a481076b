/** Stored latents (spec/codecs.md, section 11) and schedule tables (section 8). */
import { Cursor } from "../bytes.js";
import { unpack } from "../entropy/packed.js";
import { shaped, wrong } from "./parameters.js";

export const quantisedLatents = {
  ranges: { channels: [1, 64], height: [1, 8192], width: [1, 8192] },
  /** @returns {Float32Array} [classes][slots][P][channels][height][width] */
  decode(raw, shape, { channels, height, width }) {
    const [depth, rows, columns] = shape.slice(-3);
    shaped(depth === channels && rows === height && columns === width);
    const cursor = new Cursor(raw);
    cursor.need(6 * channels);
    const steps = Array.from({ length: channels }, () => cursor.f32());
    const weights = new Int8Array(cursor.take(2 * channels).slice().buffer);
    if (!steps.every((step) => step >= 2 ** -32 && step <= 2 ** 32)) wrong("a step is out of range");
    for (let c = 0; c < channels; c++)
      if (Math.abs(weights[2 * c]) + Math.abs(weights[2 * c + 1]) > 16) wrong("weights are above one");
    const pixels = height * width;
    const count = shape.slice(0, -3).reduce((a, b) => a * b, 1);
    const residuals = unpack(cursor.take(cursor.left), count * pixels, Uint32Array.from(steps.keys()));
    const out = new Float32Array(residuals.length);
    const q = new Int32Array(pixels);
    for (let i = 0; i < count; i++)
      for (let c = 0; c < channels; c++) {
        predict(residuals, i * pixels * channels + c, channels, weights[2 * c], weights[2 * c + 1], width, q);
        const at = (i * channels + c) * pixels;
        for (let p = 0; p < pixels; p++) out[at + p] = q[p] * steps[c];
      }
    return out;
  },
};

/** One channel of one latent: residuals, and what the left and upper neighbours foretell. */
function predict(residuals, first, stride, left, upper, width, q) {
  for (let p = 0; p < q.length; p++) {
    const before = p % width ? q[p - 1] : 0;
    const above = p >= width ? q[p - width] : 0;
    const value = residuals[first + p * stride] + ((left * before + upper * above + 8) >> 4);
    if (value < -32767 || value > 32767) wrong("a latent is out of range");
    q[p] = value;
  }
}

export const scheduleTable = {
  ranges: {},
  mostRaw: () => 573448,
  /** @returns {{initScale: number, history: number, steps: {timestep: number, input: number,
   *   noise: number, a: number[], b: number[]}[]}} */
  decode(raw) {
    const cursor = new Cursor(raw);
    const count = cursor.u16();
    const history = cursor.u16();
    if (count < 1 || count > 4096 || history < 1 || history > 16)
      wrong("a schedule's sizes are out of range");
    if (raw.length !== 8 + count * (12 + 8 * history)) wrong("a schedule has another length");
    const number = () => {
      const value = cursor.f32();
      if (!Number.isFinite(value)) wrong("a schedule holds what is no number");
      return value;
    };
    const initScale = number();
    const steps = Array.from({ length: count }, (_, i) => {
      const step = { timestep: number(), input: number(), noise: number(), a: [], b: [] };
      for (let k = 0; k < history; k++) {
        step.a.push(number());
        step.b.push(number());
        if (k > i && (step.a[k] !== 0 || step.b[k] !== 0))
          wrong("a schedule looks back before its beginning");
      }
      return step;
    });
    return { initScale, history, steps };
  },
};
