import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { partnerOf, pixelsOf, wordsOf } from "../../../ddcodec/showing/page/reader/synthesis/draw.js";
import { assert, openVector, outcome, rowsOf, sha256, vectors } from "./support.mjs";

const FOLDER = fileURLToPath(new URL("../../../spec/vectors/", import.meta.url));

/** Vectors of what this reader does not do. A new folder or list belongs here, or into a test. */
const NOT_APPLICABLE = {
  "codecs: normals": "noise of diffusion: generated pictures are not rendered",
  "codecs: partners": "mixup of latents: generated pictures are not rendered",
  "codecs: vp8": "pixels of WebP are the browser's; tests/showing/test_reader.py compares them there",
  exact: "networks in integers: neither priors nor stored teachers are executed",
  "teacher: networks": "stored teachers are decoded, not executed",
};

/** Lists of vectors, and the tests that go through all of each. */
const TESTED = {
  "": ["vectors"],
  codecs: ["sections", "words", "variations", "weights", "probabilities"],
  datasets: ["artifacts"],
  entropy: ["sha256", "tables", "streams", "matrices"],
  heads: ["heads", "cases"],
  labels: ["matrices", "sections", "features", "artifacts"],
  teacher: ["sections"],
  synthesis: ["weights", "resize", "nearest", "collage", "cut", "views"],
};

test("every list of vectors is tested, or named with its reason", () => {
  for (const folder of [
    "",
    ...readdirSync(FOLDER, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .map((e) => e.name),
  ]) {
    if (NOT_APPLICABLE[folder]) continue;
    const lists = Object.keys(vectors(`${folder}/vectors.json`)).filter(
      (key) => key !== "about" && key !== "schema",
    );
    const known = [
      ...(TESTED[folder] ?? []),
      ...lists.filter((list) => NOT_APPLICABLE[`${folder}: ${list}`]),
    ];
    assert.deepEqual(known.sort(), lists.sort(), folder);
  }
});

test("every file among the vectors is named by a list", () => {
  for (const folder of ["", "labels", "datasets"]) {
    const files = readdirSync(`${FOLDER}${folder}`).filter((name) => name.endsWith(".ddz"));
    const lists = vectors(`${folder}/vectors.json`);
    const named = (lists.vectors ?? lists.artifacts).map(({ file }) => file);
    assert.deepEqual(files.sort(), [...new Set(named)].sort());
  }
});

/** What of an artifact is not decoded here, and the code that says so. */
const NOT_HERE = {
  "y_collage.ddz": ["image"],
  "y_stored_teacher.ddz": ["image", "label"],
  "y_text2image.ddz": ["image"],
  "y_image2image.ddz": ["image"],
};

for (const { file, rows, what } of vectors("datasets/vectors.json").artifacts)
  test(`rows of ${file} are those of the specification: ${what}`, async () => {
    const artifact = await openVector(`datasets/${file}`);
    await artifact.verify();
    for (const [c, s, v, image, label] of rows) {
      const missing = NOT_HERE[file] ?? [];
      if (missing.includes("image"))
        assert.equal(await outcome(() => artifact.image(c, s, v)), "not-rendered");
      else assert.equal(sha256((await artifact.image(c, s, v)).data), image);
      if (missing.includes("label"))
        assert.equal(await outcome(() => artifact.label(c, s, v)), "not-rendered");
      else assert.equal(await labelDigest(artifact, c, s, v), label);
    }
  });

async function labelDigest(artifact, c, s, v) {
  const { start, probabilities } = await artifact.label(c, s, v);
  const all = new Float32Array(artifact.head.classes.length);
  all.set(probabilities, start);
  return sha256(all);
}

test("what is asked for beyond the table is refused", async () => {
  const artifact = await openVector("datasets/y_hard.ddz");
  const { classes, recipe } = artifact.head;
  for (const row of [
    [-1, 0, 0],
    [classes.length, 0, 0],
    [0, recipe.ipc, 0],
    [0, 0, recipe.views],
    [0.5, 0, 0],
    ["0", 0, 0],
  ]) {
    for (const ask of ["image", "label", "draw"])
      assert.equal(await outcome(() => artifact[ask](...row)), "request", `${ask} ${row}`);
  }
  assert.equal(await outcome(() => artifact.patch(0, 0, artifact.head.patchesPerSlot)), "request");
  assert.equal(await outcome(() => artifact.logits(0, 0, 0)), "request");
});

test("a partner of which nothing shows need not be there, and one that shows must", async () => {
  const artifact = await openVector("labels/y_cutmix.ddz");
  const { pictures } = artifact.table.structure();
  const missing = { has: (c) => c === 0 && pictures.has(c) };
  artifact.table.checked = { ...artifact.table.structure(), pictures: missing };
  const found = new Set();
  for (const [c, s, v] of rowsOf(artifact)) {
    const words = wordsOf(await artifact.table.seed(c, s), v);
    const [start, count] = artifact.table.originOf(c);
    const [width, height] = artifact.head.recipe.size;
    const drawn = partnerOf(artifact.head.recipe.view, height, width, words, {
      start,
      count,
      class: c,
      slot: s,
    });
    const shows = v > 0 && pixelsOf(drawn.box) > 0 && drawn.class !== 0;
    assert.equal(await outcome(() => artifact.draw(c, s, v)), shows ? "header" : "ok");
    found.add(shows);
  }
  assert.equal(found.size, 2);
});

test("pictures match the digests of their pixels where an artifact holds any", async () => {
  const artifact = await openVector("datasets/y_hard.ddz");
  const held = artifact.table.sectionsOf("pixels").length > 0;
  const [start] = artifact.head.rows[0];
  assert.equal(await artifact.matchesPixelDigest(start, 0), held ? true : null);
});

test("sections are read once, and what is kept is bounded", async () => {
  const artifact = await openVector("datasets/y_hard.ddz", { cacheBytes: 1 });
  const { blob } = artifact.container;
  let reads = 0;
  const read = blob.read.bind(blob);
  blob.read = (...range) => (reads++, read(...range));
  await artifact.image(0, 0, 0);
  const first = reads;
  await artifact.image(0, 0, 0);
  assert.ok(reads > first, "nothing fits into a cache of one byte but the last value");
  const roomy = await openVector("datasets/y_hard.ddz");
  await roomy.image(0, 0, 0);
  roomy.container.blob.read = () => assert.fail("a section is read twice");
  await roomy.image(0, 0, 0);
  assert.ok(roomy.table.cache.bytes > 0);
});
