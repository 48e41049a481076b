/** Seeds (spec/codecs.md, section 3): `seed-derived` and `seed-list`. */
import { viewOf } from "../bytes.js";
import { philox } from "../randomness.js";
import { shaped } from "./parameters.js";

const SEED = 0x53454544;

/** @typedef {(c: number, s: number) => import("../randomness.js").Seed} SeedOf of a place in the box */

export const seedDerived = {
  ranges: {},
  /** @returns {SeedOf} */
  decode(raw, [classes]) {
    shaped(raw.length === 8 + 4 * classes);
    const view = viewOf(raw);
    const base = /** @type {[number, number]} */ ([view.getUint32(0, true), view.getUint32(4, true)]);
    return (c, s) => {
      const [low, high] = philox([view.getUint32(8 + 4 * c, true), s, SEED, 0], base);
      return [low, high];
    };
  },
};

export const seedList = {
  ranges: {},
  /** @returns {SeedOf} */
  decode(raw, [classes, slots]) {
    shaped(raw.length === 8 * classes * slots);
    const view = viewOf(raw);
    return (c, s) => {
      const at = 8 * (c * slots + s);
      return [view.getUint32(at, true), view.getUint32(at + 4, true)];
    };
  },
};
