import { test } from "node:test";
import { FeatureSet, featureCount } from "../../../ddcodec/showing/page/reader/labels/features.js";
import {
  drawOf,
  partnerOf,
  pixelsOf,
  untouched,
  wordsOf,
} from "../../../ddcodec/showing/page/reader/synthesis/draw.js";
import { assert, openVector, outcome, rowsOf, seedFrom, vectors } from "./support.mjs";

const known = vectors("labels/vectors.json");
const NO_BOX = { top: 0, bottom: 0, left: 0, right: 0 };

test("features of every crop are those of the specification", () => {
  for (const { view, size, index, classes, own, partner, features, ...params } of known.features) {
    const set = new FeatureSet(view, size, params);
    const [width, height] = size;
    const drawOfSeed = ([seed]) =>
      index === 0 ? untouched(height, width) : drawOf(view, height, width, wordsOf(seedFrom(seed), index));
    const place = { start: 0, count: classes, class: 0, slot: own[1] };
    const mixes = view.cutmix && index > 0;
    const box = mixes ? partnerOf(view, height, width, wordsOf(seedFrom(own[0]), index), place).box : NO_BOX;
    const all = [set.of({ draw: drawOfSeed(own), partner: false }, box)];
    if (pixelsOf(box)) all.push(set.of({ draw: drawOfSeed(partner), partner: true }, box));
    assert.deepEqual(
      all.map((phi) => phi.map((value) => value + 0)),
      features,
      JSON.stringify({ view, index, ...params }),
    );
    assert.equal(all[0].length, featureCount(view, params));
  }
});

for (const { file, logits, error, asked } of known.artifacts)
  test(`${file} has the logits of the specification, or is refused with its code`, async () => {
    const read = async () => {
      const artifact = await openVector(`labels/${file}`);
      const classes = artifact.head.rows.flatMap(([start, count]) =>
        Array.from({ length: count }, (_, i) => start + i),
      );
      for (const row of asked ? [asked] : rowsOf(artifact)) {
        const [c, s, v] = row;
        const got = [...(await artifact.logits(c, s, v))];
        if (logits) assert.deepEqual(got, logits[classes.indexOf(c)][s][v], `row ${row}`);
      }
    };
    assert.equal(await outcome(read), error ?? "ok");
  });
