import { test } from "node:test";
import { codecOf } from "../../../ddcodec/showing/page/reader/codecs/index.js";
import { bands, matrix, unpack } from "../../../ddcodec/showing/page/reader/entropy/packed.js";
import { Stream } from "../../../ddcodec/showing/page/reader/entropy/stream.js";
import { frequenciesOf, tableOf } from "../../../ddcodec/showing/page/reader/entropy/tables.js";
import { probabilities, weightsOf } from "../../../ddcodec/showing/page/reader/labels/softmax.js";
import { philox, variationOf, words } from "../../../ddcodec/showing/page/reader/randomness.js";
import {
  assert,
  fromHex,
  fromHexFloat,
  nested,
  outcome,
  seedFrom,
  seedText,
  sha256,
  vectors,
} from "./support.mjs";

/** Mosaics whose pixels another decoder gives: their files are checked here, not decoded. */
const OTHER_DECODERS = ["mosaic-avif", "mosaic-webp"];

const seeds = (at, [classes, slots]) =>
  Array.from({ length: classes }, (_, c) => Array.from({ length: slots }, (_, s) => seedText(at(c, s))));

/** Faults within a coded picture, which are its decoder's to find. */
const BROWSERS_OWN = ["mosaic-avif: cut"];

/** What a codec decodes to, in the form of the vectors. */
const SAID = {
  "seed-derived": seeds,
  "seed-list": seeds,
  "prompt-text": (texts) => texts,
  "prompt-fp16": (values, shape) => nested([...values], shape),
  "prompt-int8": (values, shape) => nested([...values], shape),
  "quantised-latents": (values, shape) => nested([...values], shape),
  "hard-labels": (at, shape) =>
    nested(
      Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => at(i)),
      shape,
    ),
  "schedule-table": (table) => table,
};

const FLOATS = ["prompt-fp16", "prompt-int8", "quantised-latents"];
const floats = (value) => (Array.isArray(value) ? value.map(floats) : fromHexFloat(value));

for (const page of ["codecs", "labels"])
  test(`every section of ${page} decodes to its array, or is refused with its code`, async () => {
    for (const { codec, version, params, shape, raw, array, error, what } of vectors(`${page}/vectors.json`)
      .sections) {
      const decode = () => codecOf({ name: codec, version, params }).decode(fromHex(raw), shape, params);
      const name = `${codec}: ${what}`;
      if (BROWSERS_OWN.includes(name)) continue;
      assert.equal(await outcome(decode), error ?? "ok", name);
      if (error) continue;
      if (codec === "mosaic-png") await assertPatches(decode(), array, shape, name);
      else if (codec === "label-model") assertModel(decode(), array, shape, name);
      else if (codec === "schedule-table") assertSchedule(decode(), array, name);
      else if (!OTHER_DECODERS.includes(codec)) {
        const said = SAID[codec] ?? ((values, of) => (of.includes(0) ? array : nested([...values], of)));
        assert.deepEqual(said(decode(), shape), FLOATS.includes(codec) ? floats(array) : array, name);
      }
    }
  });

async function assertPatches(mosaic, array, shape, name) {
  const { patchOf } = await import("../../../ddcodec/showing/page/reader/codecs/mosaics.js");
  const picture = await mosaic.rgb();
  array.forEach((patch, i) =>
    assert.deepEqual(
      nested([...patchOf(picture, mosaic, i).data], shape.slice(1)),
      patch,
      `${name}, patch ${i}`,
    ),
  );
}

function assertModel(model, array, [K, M, r], name) {
  const said = {
    means: nested([...model.means], [K, K]),
    basis: r ? nested([...model.basis], [r, K]) : [],
    class_fields: nested([...model.classFields], [K, M, r]),
    class_steps: [...model.classSteps],
    field_steps: [...model.fieldSteps],
    units: [...model.units],
  };
  if (r === 0) said.class_fields = array.class_fields;
  assert.deepEqual(said, array, name);
}

function assertSchedule(table, array, name) {
  const { init_scale: scale, timesteps, c_in: input, c_noise: noise, a, b } = array;
  assert.equal(table.initScale, fromHexFloat(scale), name);
  assert.deepEqual(
    table.steps.map(({ timestep }) => timestep),
    timesteps.map(fromHexFloat),
    name,
  );
  assert.deepEqual(
    table.steps.map((step) => step.input),
    input.map(fromHexFloat),
    name,
  );
  assert.deepEqual(
    table.steps.map((step) => step.noise),
    noise.map(fromHexFloat),
    name,
  );
  assert.deepEqual(
    table.steps.map((step) => step.a),
    floats(a),
    name,
  );
  assert.deepEqual(
    table.steps.map((step) => step.b),
    floats(b),
    name,
  );
}

test("an unknown codec, and another version of a known one, are refused", async () => {
  for (const [name, version] of [
    ["pixel-digest", 1],
    ["seed-list", 2],
    ["x-own", 1],
    ["constructor", 1],
  ])
    assert.equal(await outcome(() => codecOf({ name, version, params: {} })), "unknown-codec", name);
});

test("every stored teacher decodes to its numbers, or is refused with its code", async () => {
  const { sections } = vectors("teacher/vectors.json");
  for (const { what, params, raw = sections[0].raw, edit, sha256: digest, error } of sections) {
    const bytes = fromHex(raw);
    const edited = edit
      ? Buffer.concat([bytes.subarray(0, edit[0]), fromHex(edit[2]), bytes.subarray(edit[1])])
      : bytes;
    const decode = () =>
      codecOf({ name: "teacher-weights", version: 1, params }).decode(new Uint8Array(edited), [], params);
    assert.equal(await outcome(decode), error ?? "ok", what);
    if (!error) assert.equal(sha256(flat(decode())), digest, what);
  }
});

const flat = ({ means, deviations, layers }) => {
  const parts = layers.flatMap(({ weights, scales, vectors: further }) => [weights, scales, ...further]);
  const bytes = [Uint32Array.from([...means, ...deviations]), ...parts];
  return Buffer.concat(bytes.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
};

test("Philox gives the known answers of its authors", () => {
  const known = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [-1, -1, -1, -1],
      [-1, -1],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  const unsigned = (values) => values.map((value) => value >>> 0);
  for (const [counter, key, answer] of known)
    assert.deepEqual(philox(unsigned(counter), unsigned(key)), answer);
});

test("streams of words and seeds of variations are those of the specification", () => {
  const { words: streams, variations } = vectors("codecs/vectors.json");
  for (const { seed, domain, stream, words: answer } of streams)
    assert.deepEqual(words(seedFrom(seed), domain, stream, answer.length), answer);
  for (const { seed, variation, of } of variations)
    assert.equal(seedText(variationOf(seedFrom(seed), variation)), of);
});

test("probabilities are those of the specification, to the last bit", () => {
  const { weights, probabilities: rows } = vectors("codecs/vectors.json");
  for (const { temperature, nonzero, first, last } of weights) {
    const table = [...weightsOf(temperature)];
    assert.equal(table.length, nonzero);
    assert.deepEqual([table.slice(0, first.length), table.slice(-2)], [first, last]);
  }
  for (const { temperature, logits, values } of rows)
    assert.deepEqual([...probabilities(logits, temperature)], values.map(fromHexFloat));
});

test("the tables of the entropy coder are those of the specification", () => {
  const { sha256: digest, tables } = vectors("entropy/vectors.json");
  const all = Uint16Array.from({ length: 256 * 16 }, (_, i) => frequenciesOf(i >> 4)[i & 15]);
  assert.equal(sha256(all), digest);
  for (const { table, frequencies } of tables) assert.deepEqual([...frequenciesOf(table)], frequencies);
});

test("every stream of the entropy coder gives its numbers, or is refused with its code", async () => {
  for (const { what, lanes, raw, operations, error } of vectors("entropy/vectors.json").streams) {
    const run = () => {
      const stream = new Stream(fromHex(raw), lanes);
      for (const operation of operations) {
        const got = carriedOut(stream, operation);
        if (operation.values) assert.deepEqual(got, operation.values, what);
      }
      stream.end();
    };
    assert.equal(await outcome(run), error ?? "ok", what);
  }
});

function carriedOut(stream, { kind, models, lanes }) {
  const each = (model) => (Array.isArray(model) ? model : lanes.map(() => model));
  if (kind === "bits") return lanes.map((lane, i) => stream.bits(lane, each(models)[i]));
  if (kind === "symbols") return lanes.map((lane, i) => stream.symbol(lane, tableOf(each(models)[i])));
  const out = new Int32Array(lanes.length);
  stream.integers(lanes, lanes.length, each(models[0]).map(tableOf), each(models[1]), out);
  return [...out];
}

test("every matrix of the entropy coder gives its rows, or is refused with its code", async () => {
  for (const { what, rows, tables, shifts, lanes, raw, values, error } of vectors("entropy/vectors.json")
    .matrices) {
    const columns = tables.map((table, i) => ({ table, shift: shifts[i] }));
    const decode = () => matrix(fromHex(raw), lanes, rows, columns);
    assert.equal(await outcome(decode), error ?? "ok", what);
    if (!error) assert.deepEqual(nested([...decode()], [rows, tables.length]), values, what);
  }
});

test("every packed matrix gives its rows, or is refused with its code", async () => {
  for (const { what, rows, groups, raw, values, error } of vectors("labels/vectors.json").matrices) {
    const decode = () => unpack(fromHex(raw), rows, groups);
    assert.equal(await outcome(decode), error ?? "ok", what);
    if (!error && groups.length) assert.deepEqual(nested([...decode()], [rows, groups.length]), values, what);
  }
});

test("neighbouring atoms share a group", () => {
  assert.deepEqual([...bands(2, 3, 2)], [0, 0, 1, 2, 2, 3]);
});
