import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { Artifact, Container, DdzError, MemoryBlob } from "../../../ddcodec/showing/page/reader/index.js";
import { crc32 } from "../../../ddcodec/showing/page/reader/container/crc32.js";
import { inflate } from "../../../ddcodec/showing/page/reader/container/inflate.js";
import { xxh64Low } from "../../../ddcodec/showing/page/reader/container/xxh64.js";
import { decompress } from "../../../ddcodec/showing/page/reader/container/zstd.js";
import { tiles, ClassSet } from "../../../ddcodec/showing/page/reader/table/ranges.js";
import { assert, dictionary, generator, outcome, rowsOf, vectorFile, vectors } from "./support.mjs";

/** Whole use of a file: open, verify, every image and label. */
async function use(bytes) {
  const artifact = await Artifact.open(new MemoryBlob(bytes), { dictionary });
  try {
    await artifact.verify();
  } catch (error) {
    if (!(error instanceof DdzError)) throw error;
  }
  let rows = 0;
  for (const row of rowsOf(artifact)) {
    if (++rows > 8) break;
    for (const ask of ["image", "label"]) await artifact[ask](...row).catch(onlyOurs);
  }
}

function onlyOurs(error) {
  if (!(error instanceof DdzError)) throw error;
}

/** The length of the header, so that a changed one can be given its right checksum. */
function mended(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = 32 + view.getUint32(16, true);
  if (end <= bytes.length) view.setUint32(20, crc32(bytes.subarray(32, end)), true);
  return bytes;
}

const FILES = [
  "y_table_stored.ddz",
  "y_table_draws.ddz",
  "y_table_latents.ddz",
  "y_table_generated.ddz",
  "y_zstd.ddz",
  "y_values.ddz",
  "labels/y_cutmix.ddz",
  "labels/y_stored_views.ddz",
  "labels/y_varied.ddz",
  "datasets/y_hard.ddz",
  "datasets/y_stored_views.ddz",
];

for (const file of FILES)
  test(`whatever is changed in ${file} ends in the reader's own error`, async () => {
    const original = vectorFile(file);
    const random = generator(original.length);
    for (let round = 0; round < 150; round++) {
      const bytes = original.slice();
      for (let i = 0; i <= random(3); i++) bytes[random(bytes.length)] = random(256);
      await use(random(2) ? mended(bytes) : bytes).catch(onlyOurs);
    }
    for (let round = 0; round < 20; round++)
      await use(original.slice(0, random(original.length))).catch(onlyOurs);
  });

test("sections that are changed and given their checksums end in the reader's own error", async () => {
  for (const file of FILES) {
    const original = vectorFile(file);
    const random = generator(7 * original.length);
    for (let round = 0; round < 60; round++) {
      const bytes = original.slice();
      const opened = await Artifact.open(new MemoryBlob(bytes), { dictionary }).catch(onlyOurs);
      if (!opened) break;
      // The checksums of sections lie in the header: what the reader holds of them is changed instead.
      const { sections } = opened.container;
      const section = sections[random(sections.length)];
      bytes[section.offset + random(section.stored)] ^= 1 << random(8);
      section.crc = crc32(bytes.subarray(section.offset, section.offset + section.stored));
      for (const row of [...rowsOf(opened)].slice(0, 4))
        for (const ask of ["image", "label"]) await opened[ask](...row).catch(onlyOurs);
    }
  }
});

test("bombs of every kind are refused in little time and memory", async () => {
  const bombs = vectors("vectors.json").vectors.filter(({ file }) => /bomb|huge|large|deep|long/.test(file));
  assert.ok(bombs.length >= 6);
  const before = process.memoryUsage().arrayBuffers;
  for (const { file, expect } of bombs) {
    const whole = async () => {
      const container = await Container.open(new MemoryBlob(vectorFile(file)), { dictionary });
      await container.checkDigest();
    };
    assert.equal(await outcome(whole), expect, file);
  }
  const zeros = deflateRawSync(Buffer.alloc(2 ** 26));
  assert.equal(
    await outcome(() => inflate(zeros, { limit: 2 ** 16, code: "payload", over: "limit-exceeded" })),
    "limit-exceeded",
  );
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 28);
});

test("streams of zlib inflate, whatever its strategy", () => {
  const random = generator(5);
  const strategies = [
    constants.Z_DEFAULT_STRATEGY,
    constants.Z_FIXED,
    constants.Z_HUFFMAN_ONLY,
    constants.Z_RLE,
  ];
  for (let round = 0; round < 60; round++) {
    const alphabet = 1 + random(255);
    const data = Uint8Array.from({ length: random(5000) }, () => random(alphabet));
    const options = { strategy: strategies[round % 4], level: random(10) };
    const { output, consumed } = inflate(deflateRawSync(data, options), {
      limit: data.length,
      code: "payload",
    });
    assert.deepEqual(output, data);
    assert.equal(consumed, deflateRawSync(data, options).length);
    const given = { ...options, dictionary: dictionary.subarray(0, 3000) };
    const again = inflate(deflateRawSync(data, given), {
      limit: data.length,
      code: "payload",
      dictionary: given.dictionary,
    });
    assert.deepEqual(again.output, data);
  }
});

test("damaged streams of zlib and zstd end in the reader's own error", () => {
  const random = generator(11);
  const data = Uint8Array.from({ length: 3000 }, () => random(7));
  const streams = [
    [deflateRawSync(data), (bytes) => inflate(bytes, { limit: 2 ** 16, code: "payload" })],
    [
      vectorFile("y_table_many_sections.ddz").subarray(32, 6000),
      (bytes) => inflate(bytes, { limit: 2 ** 16, code: "payload" }),
    ],
    [FRAME, (bytes) => decompress(bytes, FRAME_SIZE, 2 ** 23)],
  ];
  for (const [stream, decode] of streams)
    for (let round = 0; round < 600; round++) {
      const bytes = Uint8Array.from(stream);
      for (let i = 0; i <= random(3); i++) bytes[random(bytes.length)] = random(256);
      try {
        decode(bytes.subarray(0, random(4) ? bytes.length : random(bytes.length)));
      } catch (error) {
        onlyOurs(error);
      }
    }
});

test("the checksum of zstd is XXH64", () => {
  const known = { "": 0x51d8e999, abc: 0xad770999 };
  const low = (text) => xxh64Low(new TextEncoder().encode(text));
  for (const [text, hash] of Object.entries(known)) assert.equal(low(text), hash);
  assert.equal(
    decompress(FRAME, FRAME_SIZE, 2 ** 23).length,
    FRAME_SIZE,
    "a frame with a checksum of more than 32 bytes",
  );
});

test("boxes tile, or leave a hole, or overlap", () => {
  const sizes = [4, 3, 2];
  const halves = [
    [0, 2, 0, 3, 0, 2],
    [2, 4, 0, 3, 0, 1],
    [2, 4, 0, 3, 1, 2],
  ];
  assert.ok(tiles(halves, sizes));
  assert.ok(!tiles(halves.slice(1), sizes));
  assert.ok(!tiles([...halves, halves[0]], sizes));
  assert.ok(
    !tiles(
      [
        [0, 2, 0, 3, 0, 2],
        [1, 3, 0, 3, 0, 2],
      ],
      sizes,
    ),
  );
  assert.ok(!tiles([], sizes));
});

test("sets of classes count what lies below", () => {
  const set = new ClassSet([
    [5, 2],
    [0, 3],
    [2, 2],
  ]);
  assert.deepEqual(
    [set.size, set.rank(0), set.rank(4), set.rank(5), set.rank(6), set.rank(99)],
    [6, 0, 4, 4, 5, 6],
  );
  assert.deepEqual(
    [set.has(3), set.has(4), set.has(5), set.covers(0, 4), set.covers(3, 3)],
    [true, false, true, true, false],
  );
  assert.equal(set.within(3, 3).size, 2);
});

/** Lists of words, as zstd compresses them at level 19, with a checksum. */
const FRAME_SIZE = 3000;
const FRAME = new Uint8Array(
  Buffer.from(
    [
      "KLUv/WS4Ci0bAEaVMRWgJ21MzD4+3GYDwDd2d2+Skgf1KxgyACgAKAB91mRLq6Sx5rfKZ9iSU4xITvo8UQgQl9Dk/TgAhoDYB0VxkDuiIBzIGU",
      "UAYBC7oWAcAU+z/Vjok1VVaeSo3CNTavMV3nxsWJa12r4m3U2k+7ltqXHazsr2lAutL8lepQXvtRdjc2ZeOwmJ2nFR8Wr1gllYZq+aTy0sdppy",
      "ju81r2QDhoJxkFpLJbqN774/1jot5Kl/RDwfS5Gc1SmR8T7ZqrRMExHPLV/9BoGNqJF9bGP/DFEMAcKo5ZI3IRCGRknSNpmEXqm5L4xQ+Y9KL9",
      "tyxZiJds126WFEWuMbG+wtm3TLYvzaItFgPefysXhjUhTAZJS7k+Ru3drlAEqSgBBjXh4d6AzL0tdU0hLqkvtkacxL8udF4T5CbNogaCxSHD4N",
      "VFDrGa5bBhTZwOzSMkJaD1sYJFhL3hm4Ow9xgwPWgYFMIJCsAj968AWHh3r+QU8LE5Eus6MLIAQdVvbReo27XAbQAFn//SuD3hrc//Dwoab36l",
      "ypv0q43ZgsXAVDpkaXBNUnzS9/Ulqdilglre5bvvwd2y2w+bM4BPoWG0nBHVX0RJCMWN2ifFIMBEsD6aFU2kow8gY8OSh9gKKIUUc0O38JEhi7",
      "EUXJnRo7xlZOXC1h0aUNUEsO64x7nktJLvV4y3MNt2XWZg1msAw1nG20lT7bZenvViOcOGkQGpLs6GKtrgy2AuwnZ0QU64djRUERXe4vl8MpIV",
      "G9ItA+nKbfbX5dh7FnM3t9mYHOWC8mHwj/toVnEi9EUDI/ZVxVNXo3YNFPRgJ7FwmE8a/2LfxMNTIOuugY/61ikAawOKUWrC269H+xgvKOHjYk",
      "f7DyUyrUcWVZ2ciELxnfw/1NnKAwLSbpVMZGmyQGLVTUWSYPgrUF72YiXpY1VrUe+WTzmS/bDD0LovYWvWzevThkYLH4j4e5Y9c+URQisKsiKD",
      "xLEqY4pKq4RTIAmbGeAbn8i5LvD3IIHlBpErJ/cCDuNIMKPP1rBXeMvPXIDbZOQmok1JhOxVr1TlVI5OjA0eS8oyAkWDJlWFVmPY6TiXOL7RR9",
      "X9+9kb/oy7nApKRYp+gxogs8DsEYASWaH+fNi6fPTAO5JBwQZKP9yd7iWJL/uSorBn7CxVUFkbkYVg==",
    ].join(""),
    "base64",
  ),
);
