import { test } from "node:test";
import { Artifact, Container, MemoryBlob } from "../../../ddcodec/showing/page/reader/index.js";
import { decodeCanonical, encodeCanonical } from "../../../ddcodec/showing/page/reader/container/msgpack.js";
import { headOf } from "../../../ddcodec/showing/page/reader/head/head.js";
import { assert, dictionary, outcome, vectorFile, vectors } from "./support.mjs";

const open = (file) => Container.open(new MemoryBlob(vectorFile(file)), { dictionary });

test("every file of the specification is accepted, or refused with its code at its stage", async () => {
  for (const { file, expect, stage } of vectors("vectors.json").vectors) {
    const stages = {
      structure: () => open(file),
      crc: async () => (await open(file)).checkSums(),
      digest: async () => (await open(file)).checkDigest(),
    };
    for (const [name, check] of Object.entries(stages)) {
      assert.equal(await outcome(check), name === stage ? expect : "ok", `${file} at ${name}`);
      if (name === stage) break;
    }
  }
});

test("every artifact of the specification is accepted whole, and every other refused", async () => {
  const tables = vectors("vectors.json").vectors.filter(
    ({ file, stage }) => stage === "table" || file.startsWith("y_table"),
  );
  assert.ok(tables.length > 20);
  for (const { file, expect } of tables) {
    const whole = async () =>
      (await Artifact.open(new MemoryBlob(vectorFile(file)), { dictionary })).verify();
    assert.equal(await outcome(whole), expect, file);
  }
});

test("a critical kind that nobody knows is listed, and not read as an artifact", async () => {
  const { head, sections } = await open("y_table_stored.ddz");
  const { sortedByKind } = await import("../../../ddcodec/showing/page/reader/table/structure.js");
  const unknown = { ...sections[0], kind: "unheard-of" };
  assert.equal(await outcome(() => sortedByKind(headOf(head), [{ ...unknown, flags: 0 }])), "unknown-codec");
  assert.equal(await outcome(() => sortedByKind(headOf(head), [{ ...unknown, flags: 1 }])), "ok");
});

test("a deflated header asks for its dictionary, and refuses another", async () => {
  const blob = new MemoryBlob(vectorFile("y_deflated.ddz"));
  assert.equal(await outcome(() => Container.open(blob)), "request");
  assert.equal(await outcome(() => Container.open(blob, { dictionary: dictionary.slice(1) })), "request");
  assert.equal(await outcome(() => Container.open(blob, { dictionary: async () => dictionary })), "ok");
});

test("limits are the caller's", async () => {
  const blob = new MemoryBlob(vectorFile("y_many_sections.ddz"));
  for (const limits of [
    { header: 64 },
    { nodes: 3 },
    { depth: 2 },
    { sections: 1 },
    { sectionRaw: 1 },
    { totalRaw: 2 },
  ])
    assert.equal(
      await outcome(() => Container.open(blob, { dictionary, limits })),
      "limit-exceeded",
      JSON.stringify(limits),
    );
});

test("every head of the specification is accepted, or refused with its code", async () => {
  const { heads, cases } = vectors("heads/vectors.json");
  for (const [name, head] of Object.entries(heads))
    assert.equal(await outcome(() => headOf(valueOf(head))), "ok", name);
  for (const one of cases) {
    const head = valueOf(heads[one.head]);
    const parent = one.path.slice(0, -1).reduce((at, key) => at[key], head);
    if ("value" in one) parent[one.path.at(-1)] = valueOf(one.value);
    else delete parent[one.path.at(-1)];
    assert.equal(await outcome(() => headOf(head)), one.error ?? "ok", `${one.head}: ${one.what}`);
  }
});

/** A value of JSON, in which bytes are maps of the one field hex. */
function valueOf(value) {
  if (Array.isArray(value)) return value.map(valueOf);
  if (value === null || typeof value !== "object") return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "hex") return new Uint8Array(Buffer.from(value.hex, "hex"));
  return Object.fromEntries(keys.map((key) => [key, valueOf(value[key])]));
}

test("values of every width have one encoding, which says them again", () => {
  const numbers = [
    0,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    2n ** 53n,
    2n ** 64n - 1n,
    -1,
    -32,
    -33,
    -128,
    -129,
    -32768,
    -32769,
    -(2 ** 31),
    -(2 ** 31) - 1,
    -(2n ** 63n),
  ];
  const texts = [0, 31, 32, 255, 256, 65535, 65536].map(
    (length) => "ü".repeat(length >> 1) + "x".repeat(length & 1),
  );
  const bytes = [0, 255, 256, 65536].map((length) => new Uint8Array(length).fill(7));
  const lists = [15, 16, 65536].map((length) => new Array(length).fill(null));
  const maps = [15, 16, 300].map((length) =>
    Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, i])),
  );
  for (const value of [...numbers, ...texts, ...bytes, ...lists, ...maps, [true, false, null]]) {
    const coded = encodeCanonical(value);
    const again = decodeCanonical(coded);
    assert.deepEqual(encodeCanonical(again), coded);
    if (typeof value !== "object") assert.equal(again, value);
  }
});

test("names that mean something to JavaScript are names like any other", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    const value = decodeCanonical(encodeCanonical(JSON.parse(`{"${key}": 1}`)));
    assert.deepEqual(Object.keys(value), [key]);
    assert.equal(Object.getPrototypeOf(value), null);
  }
});
