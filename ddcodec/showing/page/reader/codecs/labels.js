/** Labels: in layers (spec/labels.md, section 4), as top-k lists and hard (spec/codecs.md, 7 and 10). */
import { Cursor } from "../bytes.js";
import { bands, unpack } from "../entropy/packed.js";
import { shaped, wrong } from "./parameters.js";

/** @template T @param {Int32Array} values @param {new (values: Int32Array) => T} type @returns {T} */
function narrowed(values, type) {
  const narrow = new type(values);
  for (let i = 0; i < values.length; i++) if (narrow[i] !== values[i]) wrong("a number is beyond its type");
  return narrow;
}

/**
 * What the labels of an origin share: mean [K][K], basis [r][K], classFields [K][M][r], steps and units.
 * @typedef {{means: Int16Array, basis: Int8Array, classFields: Int16Array, classSteps: Uint16Array,
 *   fieldSteps: Uint16Array, units: Uint16Array, params: Record<string, number>}} LabelModel
 */
export const labelModel = {
  ranges: {
    classes: [1, 4096],
    features: [1, 64],
    atoms: [0, 1024],
    band: [1, 1024],
    mean_step: [1, 2048],
    shift: [0, 24],
    parts: [1, 2],
    degree: [0, 3],
    response: [0, 1],
    variations: [1, 2 ** 24],
  },
  /** @returns {LabelModel} */
  decode(raw, [classes, features, atoms], params) {
    shaped(classes === params.classes && features === params.features && atoms === params.atoms);
    const cursor = new Cursor(raw);
    const [classSteps, fieldSteps, units] = [
      cursor.u16s(features),
      cursor.u16s(features),
      cursor.u16s(atoms),
    ];
    if (units.includes(0)) wrong("the unit of an atom is 0");
    const matrix = (groups) => unpack(cursor.take(cursor.u32()), classes, groups);
    const means = narrowed(matrix(new Uint32Array(classes)), Int16Array);
    const turned = narrowed(matrix(bands(1, atoms, params.band)), Int8Array);
    const classFields = narrowed(matrix(bands(features, atoms, params.band)), Int16Array);
    cursor.end();
    const basis = new Int8Array(atoms * classes);
    for (let k = 0; k < classes; k++)
      for (let j = 0; j < atoms; j++) basis[j * classes + k] = turned[k * atoms + j];
    return { means, basis, classFields, classSteps, fieldSteps, units, params };
  },
};

export const labelFields = {
  ranges: { variations: [1, 2 ** 24], features: [1, 64], atoms: [1, 1024], band: [1, 1024] },
  /** @returns {Int16Array} [classes][slots][F][M][r] */
  decode(raw, [classes, slots, variations, features, atoms], params) {
    shaped(variations === params.variations && features === params.features && atoms === params.atoms);
    return narrowed(
      unpack(raw, classes * slots * variations, bands(features, atoms, params.band)),
      Int16Array,
    );
  },
};

export const softLabels = {
  ranges: { columns: [0, 65535], band: [1, 65535], step: [0, 2048] },
  check({ columns, step }) {
    return step > 0 || columns <= 1024;
  },
  /** @returns {Int32Array} symbols [classes][slots][views][columns] */
  decode(raw, [classes, slots, views, columns], params) {
    shaped(columns === params.columns);
    if (columns > 0) return unpack(raw, classes * slots * views, bands(1, columns, params.band));
    if (raw.length !== 1 || raw[0] !== 0) wrong("labels without symbols are one byte 0");
    return new Int32Array(0);
  },
};

export const hardLabels = {
  ranges: {},
  /** @returns {(place: number) => number} the index of a row, from its origin's start, or -1: the row's class */
  decode(raw, [classes, slots, views]) {
    const cursor = new Cursor(raw);
    const mode = cursor.u8();
    if (mode > 1) wrong("hard labels of an unknown mode");
    shaped(raw.length === 1 + (mode ? 2 * classes * slots * views : 0));
    if (mode === 0) return () => -1;
    const indices = cursor.u16s(classes * slots * views);
    if (indices.includes(65535)) wrong("a hard label is 65535");
    return (place) => indices[place];
  },
};

export const topKLabels = {
  ranges: {
    classes: [1, 65535],
    k: [1, 65535],
    step: [1, 2048],
    common: [0, 1],
    ranked: [0, 65535],
    band: [1, 65535],
  },
  check({ classes, k, ranked }) {
    return k <= classes && ranked <= classes;
  },
  /** @returns {Int16Array} logits [classes][slots][views][K] */
  decode(raw, [classes, slots, views, width], params) {
    shaped(width === params.classes);
    const cursor = new Cursor(raw);
    const base = cursor.i16();
    if (!params.common && base !== 0) wrong("a base without a common rest");
    const ranked = unpack(cursor.take(cursor.u32()), classes, new Uint32Array(params.ranked));
    const lists = unpack(cursor.take(cursor.left), classes * slots * views, listGroups(params));
    const out = new Int16Array(classes * slots * views * width);
    for (let c = 0, row = 0; c < classes; c++) {
      const order = orderOf(ranked.subarray(c * params.ranked, (c + 1) * params.ranked), width);
      for (let i = 0; i < slots * views; i++, row++)
        fillRow(
          lists.subarray(row * (2 * params.k + 1), (row + 1) * (2 * params.k + 1)),
          order,
          base,
          params,
          out.subarray(row * width, (row + 1) * width),
        );
    }
    return out;
  },
};

/** Groups of the columns t, u, drops and ranks. */
function listGroups({ k, band }) {
  const drops = bands(1, k - 1, band);
  const first = 2 + Math.ceil((k - 1) / band);
  return Uint32Array.from([
    0,
    1,
    ...drops.map((group) => 2 + group),
    ...bands(1, k, band).map((group) => first + group),
  ]);
}

/** All columns: those that are ranked, then the others ascending. */
function orderOf(ranked, width) {
  const seen = new Uint8Array(width);
  for (const column of ranked) {
    if (column < 0 || column >= width || seen[column]) wrong("an order names a column twice, or none");
    seen[column] = 1;
  }
  const order = Int32Array.from({ length: width });
  order.set(ranked);
  for (let column = 0, at = ranked.length; column < width; column++) if (!seen[column]) order[at++] = column;
  return order;
}

function fillRow(list, order, base, { k, step, common }, out) {
  const values = [list[0]];
  for (let j = 0; j < k - 1; j++) {
    if (list[2 + j] < 0) wrong("an entry of a list rises");
    values.push(values[j] - list[2 + j]);
  }
  const rest = step * ((common ? base : values[k - 1]) - list[1]);
  const within = (value) => value >= -32768 && value <= 32767;
  if (!within(rest)) wrong("the rest of a list is out of range");
  out.fill(rest);
  const seen = new Set();
  for (let j = 0; j < k; j++) {
    const rank = list[1 + k + j];
    if (rank < 0 || rank >= order.length || seen.has(rank)) wrong("a rank of a list is there twice, or none");
    seen.add(rank);
    if (!within(step * values[j])) wrong("an entry of a list is out of range");
    out[order[rank]] = step * values[j];
  }
}
