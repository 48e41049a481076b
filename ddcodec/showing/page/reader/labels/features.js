/** Features of a crop, of which soft labels are a linear function (spec/labels.md, section 6). */

/** An appearing picture: what is done to it, and whether it is the partner. @typedef {{draw: import("../synthesis/draw.js").Draw, partner: boolean}} Appearance */

/**
 * The powers of F, X, Y, S, G and R of each monomial, in their order.
 * @param {import("../head/view.js").View} view
 * @param {number} degree
 * @returns {number[][]}
 */
export function monomialsOf(view, degree) {
  const moves = view.kind !== "identity";
  const scales = view.kind === "resized-crop" || view.kind === "stored";
  const most = [
    view.flip,
    moves ? degree : 0,
    moves ? degree : 0,
    scales ? degree : 0,
    view.vflip ? 1 : 0,
    view.rotate ? degree : 0,
  ];
  let all = [[]];
  for (const power of most)
    all = all.flatMap((head) => Array.from({ length: power + 1 }, (_, n) => [...head, power - n]));
  const sum = (powers) => powers.reduce((a, b) => a + b, 0);
  const kept = all.filter((powers) => sum(powers) >= 1 && sum(powers) <= degree);
  // Made in descending order of the sextuples, which a stable sort by the sum keeps.
  return kept.sort((a, b) => sum(a) - sum(b));
}

/**
 * How many features a model has that says `parts`, `degree` and `response`.
 * @param {import("../head/view.js").View} view
 */
export const featureCount = (view, { parts, degree, response }) =>
  parts * parts + monomialsOf(view, degree).length + response;

const LEGENDRE = [
  () => 256,
  (x) => x,
  (x) => Math.floor((3 * x * x - 65536) / 512),
  (x) => Math.floor((5 * x * x * x - 196608 * x) / 131072),
];

/** Features of one set: what is asked for again and again is made once. */
export class FeatureSet {
  /**
   * @param {import("../head/view.js").View} view
   * @param {number[]} size [width, height]
   * @param {{parts: number, degree: number, response: number}} params
   */
  constructor(view, [width, height], { parts, degree, response }) {
    this.view = view;
    this.width = width;
    this.height = height;
    this.parts = parts;
    this.response = response;
    this.monomials = monomialsOf(view, degree);
  }

  /**
   * The integers phi of an appearance, in 1/256.
   * @param {Appearance} appearance
   * @param {import("../synthesis/draw.js").Box} box the mixing box, perhaps empty
   * @returns {number[]}
   */
  of({ draw, partner }, box) {
    const phi = this.shares(draw, partner, box);
    const sigma = phi[0];
    const variables = this.variables(draw);
    for (const powers of this.monomials) {
      let u = sigma;
      powers.forEach((n, i) => {
        if (n > 0) u = Math.floor((u * LEGENDRE[n](variables[i])) / 256);
      });
      phi.push(u);
    }
    if (this.response) phi.push((sigma * (256 - sigma)) >> 6);
    return phi;
  }

  /** Of each part of the view, how much of it the picture has. */
  shares({ flip, vflip }, partner, box) {
    const { parts, width, height } = this;
    const span = (i, length) => [Math.floor((i * length) / parts), Math.floor(((i + 1) * length) / parts)];
    const overlap = ([a, b], c, d) => Math.max(0, Math.min(b, d) - Math.max(a, c));
    const share = (i, j) => {
      const [rows, columns] = [span(i, height), span(j, width)];
      const all = (rows[1] - rows[0]) * (columns[1] - columns[0]);
      const inBox = overlap(rows, box.top, box.bottom) * overlap(columns, box.left, box.right);
      return Math.floor((256 * (partner ? inBox : all - inBox)) / Math.max(1, all));
    };
    if (parts === 1) return [share(0, 0)];
    // Halves are those of the picture, which may be mirrored.
    const of = (i, j) => share(vflip ? 1 - i : i, flip ? 1 - j : j);
    const [a, b, c, d] = [of(0, 0), of(0, 1), of(1, 0), of(1, 1)];
    return [(a + b + c + d) >> 2, (a + c - b - d) >> 1, (a + b - c - d) >> 1, (a + d - b - c) >> 1];
  }

  /** F, X, Y, S, G and R. */
  variables({ top, left, rows, columns, flip, vflip, degrees }) {
    const { view, width, height } = this;
    const padded = view.kind === "pad-crop";
    return [
      256 - 512 * flip,
      padded ? Math.floor((256 * left) / view.pad) : Math.floor((512 * (2 * left + columns - width)) / width),
      padded ? Math.floor((256 * top) / view.pad) : Math.floor((512 * (2 * top + rows - height)) / height),
      Math.floor((1024 * columns) / width) - 768,
      256 - 512 * vflip,
      view.rotate ? Math.floor((256 * degrees) / view.rotate[0]) : 0,
    ];
  }
}
