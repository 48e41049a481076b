import { test } from "node:test";
import {
  drawOf,
  partnerOf,
  untouched,
  wordsOf,
} from "../../../ddcodec/showing/page/reader/synthesis/draw.js";
import { collage, cut } from "../../../ddcodec/showing/page/reader/synthesis/layout.js";
import { nearest, resize, tapsOf } from "../../../ddcodec/showing/page/reader/synthesis/resample.js";
import { augmented, mixed } from "../../../ddcodec/showing/page/reader/synthesis/views.js";
import { assert, nested, seedFrom, sha256, vectors } from "./support.mjs";

const known = vectors("synthesis/vectors.json");

/** Picture k of spec/synthesis.md, section 4. */
function picture(k, [height, width]) {
  const byte = (i) => Number(((BigInt(i + 1) * BigInt(i + k + 7) * 2654435761n) & 0xffffffffn) >> 24n);
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => byte(i)) };
}

const bytesOf = (pictures) => Buffer.concat(pictures.map(({ data }) => data));

test("weights of resampling are those of the specification", () => {
  for (const { from, to, weights } of known.weights) {
    const rows = tapsOf(from, to).map(({ first, weights: some }) => {
      const row = new Array(from).fill(0);
      some.forEach((weight, j) => (row[first + j] = weight));
      return row;
    });
    // A row of weights is as good as any multiple of it.
    const sum = (row) => row.reduce((a, b) => a + b, 0);
    rows.forEach((row, i) =>
      assert.deepEqual(
        row.map((weight) => weight * sum(weights[i])),
        weights[i].map((weight) => weight * sum(row)),
      ),
    );
    assert.equal(rows.length, weights.length);
  }
});

for (const [name, how] of Object.entries({ resize, nearest }))
  test(`pictures after ${name} are those of the specification`, () => {
    for (const one of known[name]) {
      const got = how(picture(one.picture, one.from), ...one.to);
      assert.equal(sha256(got.data), one.sha256, `${one.from} to ${one.to}`);
      if (one.result) assert.deepEqual(nested([...got.data], [...one.to, 3]), one.result);
    }
  });

test("collages and cuts are those of the specification", () => {
  for (const { grid, from, to, sha256: digest, ...one } of known.collage) {
    const patches = Array.from({ length: grid * grid }, (_, i) => picture(one["first picture"] + i, from));
    assert.equal(sha256(collage(patches, grid, ...to).data), digest);
  }
  for (const { picture: k, grid, from, sha256: digest } of known.cut)
    assert.equal(sha256(bytesOf(cut(picture(k, from), grid))), digest);
});

test("draws and views are those of the specification", () => {
  for (const { view, index, size, classes, rows, ...digests } of known.views) {
    const [height, width] = size;
    const drawn = rows.map((row) => {
      const words = wordsOf(seedFrom(row.seed), index);
      const own = index ? drawOf(view, height, width, words) : untouched(height, width);
      const place = { start: 0, count: classes, class: row.class, slot: row.slot };
      return { own, partner: view.cutmix && index ? partnerOf(view, height, width, words, place) : null };
    });
    rows.forEach((row, i) => {
      const { own, partner } = drawn[i];
      assert.deepEqual([own.top, own.left, own.rows, own.columns], row.crop);
      assert.deepEqual([own.flip, own.vflip, own.degrees], [row.flip, row.vflip, row.degrees]);
      assert.deepEqual([own.brightness, own.contrast, own.gamma], row.tone);
      if (!partner) return;
      assert.deepEqual([partner.class, partner.slot], row.partner);
      assert.deepEqual([partner.box.top, partner.box.bottom, partner.box.left, partner.box.right], row.box);
    });
    const views = rows.map((row, i) => augmented(picture(row.picture, size), drawn[i].own));
    assert.equal(sha256(bytesOf(views)), digests["augmented sha256"], JSON.stringify(view));
    const mixes = [0, 1, 2].map((i) => mixed(views[i], views[i + 3], drawn[i].partner?.box ?? null));
    assert.equal(sha256(bytesOf(mixes)), digests["mixed sha256"], JSON.stringify(view));
  }
});
