/**
 * Says as JSON what the reader makes of a file: SHA-256 of each row's image and label, and of each
 * row's logits where labels are soft. A program decodes WebP and AVIF:
 *
 *   node describe.mjs FILE.ddz PROGRAM ARGUMENT...
 */
import { readFileSync } from "node:fs";
import { Artifact, MemoryBlob } from "../../../ddcodec/showing/page/reader/index.js";
import { decoderOf, dictionary, rowsOf, sha256 } from "./support.mjs";

const [file, ...program] = process.argv.slice(2);
const blob = new MemoryBlob(new Uint8Array(readFileSync(file)));
const artifact = await Artifact.open(blob, { dictionary, decoder: decoderOf(program) });
await artifact.verify();
const rows = [];
for (const [c, s, v] of rowsOf(artifact)) {
  const { start, probabilities } = await artifact.label(c, s, v);
  const label = new Float32Array(artifact.head.classes.length);
  label.set(probabilities, start);
  const soft = artifact.head.recipe.labels.kind === "soft";
  rows.push({
    row: [c, s, v],
    image: sha256((await artifact.image(c, s, v)).data),
    label: sha256(label),
    logits: soft ? sha256(await artifact.logits(c, s, v)) : null,
  });
}
console.log(JSON.stringify({ digest: artifact.digest, rows }));
