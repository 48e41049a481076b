/** Logits of means, fields and innovations (spec/labels.md, section 7), exact in binary64. */
import { DdzError } from "../errors.js";

/**
 * An appearing picture: its class within the origin, its features and its field [M][r].
 * @typedef {{class: number, phi: number[], field: Int16Array | null}} Shown
 */

const clamp = (value) => Math.min(32767, Math.max(-32768, value));

/**
 * @param {import("../codecs/labels.js").LabelModel} model
 * @param {Shown[]} shown
 * @param {Int32Array} symbols those of the row, perhaps none
 * @param {number} step 0 where symbols are of atoms
 * @returns {Int16Array} K logits in 1/64 nat
 */
export function logitsOf(model, shown, symbols, step) {
  const { classes, atoms, shift, mean_step: meanStep } = model.params;
  const atomsOfRow = atomsOf(model, shown, step === 0 ? symbols : new Int32Array(0));
  const sums = new Float64Array(classes);
  for (let j = 0; j < atoms; j++) {
    const e = atomsOfRow[j];
    if (e === 0) continue;
    for (let k = 0, at = j * classes; k < classes; k++, at++) sums[k] += e * model.basis[at];
  }
  const divisor = 2 ** shift;
  const half = Math.floor(divisor / 2);
  const out = new Int16Array(classes);
  for (let k = 0; k < classes; k++) {
    let mean = 128;
    for (const { class: c, phi } of shown) mean += phi[0] * meanStep * model.means[c * classes + k];
    let z = clamp(Math.floor(mean / 256) + Math.floor((half + sums[k]) / divisor));
    if (step > 0 && symbols.length) z = clamp(z + step * symbols[k]);
    out[k] = z;
  }
  return out;
}

/** e of each atom. */
function atomsOf(model, shown, symbols) {
  const { features, atoms } = model.params;
  const e = new Float64Array(atoms);
  for (const { class: c, phi, field } of shown)
    for (let m = 0; m < features; m++) {
      if (phi[m] === 0) continue;
      const ofClass = phi[m] * model.classSteps[m];
      const ofPicture = phi[m] * model.fieldSteps[m];
      for (let j = 0, at = m * atoms, from = c * features * atoms + at; j < atoms; j++)
        e[j] += ofClass * model.classFields[from + j] + ofPicture * field[at + j];
    }
  for (let j = 0; j < atoms; j++) {
    e[j] = Math.floor((128 + e[j]) / 256) + (symbols.length ? model.units[j] * symbols[j] : 0);
    if (Math.abs(e[j]) > 2 ** 31) throw new DdzError("payload", "the coefficient of a label is out of range");
  }
  return e;
}
