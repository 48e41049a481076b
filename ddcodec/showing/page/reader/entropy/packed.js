/** Packed matrices (spec/labels.md, section 3): integers in groups of columns, dense or sparse. */
import { Cursor } from "../bytes.js";
import { DdzError } from "../errors.js";
import { Stream } from "./stream.js";
import { tableOf } from "./tables.js";

const SPARSE = 254;
const ZERO = 255;
const MOST_LANES = 4096;
const MOST_STEPS = 2 ** 18;

/**
 * A matrix of integers, whose columns belong to groups 0, 1, ...
 * @param {Uint8Array} bytes
 * @param {number} rows at least 1
 * @param {ArrayLike<number>} groups the group of each column
 * @returns {Int32Array} [rows][columns]
 */
export function unpack(bytes, rows, groups) {
  const cursor = new Cursor(bytes);
  const lanes = cursor.u16();
  const columns = columnsOf(groups);
  cursor.need(2 * columns.length);
  const heads = columns.map(() => ({ table: cursor.u8(), shift: cursor.u8() }));
  const dense = [];
  const sparse = [];
  heads.forEach(({ table, shift }, group) => {
    if (shift >= SPARSE && table !== 0) fail("a group without symbols has a table");
    if (shift === SPARSE)
      sparse.push({ columns: columns[group], ...sparseHead(cursor, rows * columns[group].length) });
    else if (shift > 15 && shift !== ZERO) fail("the shift of a group is above 15");
  });
  for (let column = 0; column < groups.length; column++) {
    const { table, shift } = heads[groups[column]];
    if (shift < SPARSE) dense.push({ column, table: tableOf(table), shift });
  }
  if (lanes < 1 || lanes > Math.min(rows, MOST_LANES)) fail("the number of lanes of a matrix");
  if (dense.length + sparse.length === 0) {
    if (lanes !== 1) fail("a matrix of zeros has one lane");
    cursor.end();
    return new Int32Array(rows * groups.length);
  }
  const steps = sparse.reduce(
    (sum, { nonzeros }) => sum + 3 * Math.ceil(nonzeros / lanes),
    Math.ceil(rows / lanes) * dense.length,
  );
  if (steps > MOST_STEPS) fail("a matrix takes too many steps");
  const stream = new Stream(cursor.take(cursor.left), lanes);
  const nonzeros = sparse.reduce((sum, group) => sum + group.nonzeros, 0);
  // An entry takes two symbols and a raw bit, of which a state holds at most 17 between two words.
  if (rows * dense.length > stream.room || nonzeros > (stream.room / 4096) * 17)
    fail("a stream is too short for its matrix");
  const out = new Int32Array(rows * groups.length);
  readDense(stream, rows, dense, groups.length, out);
  for (const group of sparse) readSparse(stream, rows, group, groups.length, out);
  stream.end();
  return out;
}

/**
 * A matrix of integers whose columns have tables and shifts of their own (spec/entropy.md, section 5).
 * @param {Uint8Array} bytes a stream and nothing else
 * @param {number} lanes
 * @param {number} rows
 * @param {{table: number, shift: number}[]} columns
 * @returns {Int32Array} [rows][columns]
 */
export function matrix(bytes, lanes, rows, columns) {
  if (!columns.every(({ shift }) => shift <= 15))
    throw new DdzError("header", "a column has no shift of 0 to 15");
  const stream = new Stream(bytes, lanes);
  if (rows * columns.length > stream.room) fail("a stream is too short for its matrix");
  const out = new Int32Array(rows * columns.length);
  const dense = columns.map(({ table, shift }, column) => ({ column, table: tableOf(table), shift }));
  readDense(stream, rows, dense, columns.length, out);
  stream.end();
  return out;
}

/**
 * Groups of the columns (m, j) of features and atoms, `band` neighbouring atoms each.
 * @param {number} features
 * @param {number} atoms
 * @param {number} band
 */
export function bands(features, atoms, band) {
  const each = Math.ceil(atoms / band);
  return Uint32Array.from(
    { length: features * atoms },
    (_, i) => Math.floor(i / atoms) * each + Math.floor((i % atoms) / band),
  );
}

/** U of spec/labels.md: 0, -1, 1, -2, 2, ... to 0, 1, 2, 3, 4, ... */
export const unsigned = (x) => (x >= 0 ? 2 * x : -2 * x - 1);

function fail(message) {
  throw new DdzError("payload", message);
}

function columnsOf(groups) {
  const columns = [];
  for (let column = 0; column < groups.length; column++) (columns[groups[column]] ??= []).push(column);
  return columns;
}

function sparseHead(cursor, integers) {
  const nonzeros = cursor.u32();
  const [gapTable, gapShift, sizeTable, sizeShift] = cursor.take(4);
  if (nonzeros < 1 || nonzeros > integers || gapShift > 15 || sizeShift !== 0)
    fail("the head of a sparse group");
  return { nonzeros, gapTable: tableOf(gapTable), gapShift, sizeTable: tableOf(sizeTable) };
}

function readDense(stream, rows, dense, width, out) {
  const lanes = Int32Array.from(stream.states.keys());
  const values = new Int32Array(lanes.length);
  for (let first = 0; dense.length && first < rows; first += lanes.length) {
    const active = Math.min(lanes.length, rows - first);
    for (const { column, table, shift } of dense) {
      stream.integers(lanes, active, table, shift, values);
      for (let i = 0, at = first * width + column; i < active; i++, at += width) out[at] = values[i];
    }
  }
}

function readSparse(stream, rows, group, width, out) {
  const { columns, nonzeros, gapTable, gapShift, sizeTable } = group;
  const lanes = Int32Array.from(stream.states.keys());
  const gaps = new Int32Array(lanes.length);
  const sizes = new Int32Array(lanes.length);
  const scale = 2 ** gapShift;
  let place = -1;
  for (let first = 0; first < nonzeros; first += lanes.length) {
    const active = Math.min(lanes.length, nonzeros - first);
    stream.integers(lanes, active, gapTable, gapShift, gaps);
    stream.integers(lanes, active, sizeTable, 0, sizes);
    for (let i = 0; i < active; i++) {
      place += unsigned(gaps[i] >> gapShift) * scale + (gaps[i] & (scale - 1)) + 1;
      if (place >= rows * columns.length) fail("a nonzero beyond its group");
      const size = 1 + unsigned(sizes[i]);
      out[(place % rows) * width + columns[Math.floor(place / rows)]] = stream.bits(lanes[i], 1)
        ? -size
        : size;
    }
  }
}
