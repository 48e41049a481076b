/**
 * Says as JSON what the reader makes of a file: SHA-256 of each row's image and label, and of each
 * row's logits where labels are soft. Pictures of WebP and AVIF are decoded by a program that turns
 * stdin into its size and RGBA on stdout:
 *
 *   node describe.mjs FILE.ddz PROGRAM ARGUMENT...
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Artifact, MemoryBlob } from "../../../ddcodec/showing/page/reader/index.js";
import { dictionary, rowsOf, sha256 } from "./support.mjs";

const [file, program, ...options] = process.argv.slice(2);

async function decoder(picture) {
  const { stdout, stderr, status } = spawnSync(program, options, { input: picture, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(String(stderr));
  return { width: stdout.readUInt32LE(0), height: stdout.readUInt32LE(4), data: stdout.subarray(8) };
}

const artifact = await Artifact.open(new MemoryBlob(new Uint8Array(readFileSync(file))), { dictionary, decoder });
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
