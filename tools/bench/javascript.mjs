/**
 * Times of the JavaScript reader in Node: opening, the first label, labels per second.
 *
 *   node tools/bench/javascript.mjs FILE.ddz
 *
 * Processor time of this one thread, so that a busy machine matters little; the best of five runs,
 * each with an artifact of its own. Labels are asked for one by one, as a page asks.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Artifact, MemoryBlob } from "../../ddcodec/showing/page/reader/index.js";

const RUNS = 5;
const LABELS = 2000;

const dictionary = new Uint8Array(
  readFileSync(fileURLToPath(new URL("../../ddcodec/container/header_dictionary.bin", import.meta.url))),
);
const bytes = new Uint8Array(readFileSync(process.argv[2]));
const open = () => Artifact.open(new MemoryBlob(bytes), { dictionary });

const { head, container } = await open();
const classes = head.rows.flatMap(([start, count]) => Array.from({ length: count }, (_, i) => start + i));
const { ipc, views } = head.recipe;
const rows = Array.from({ length: LABELS }, (_, i) => {
  const n = Math.floor((i * classes.length * ipc * views) / LABELS);
  return [classes[Math.floor(n / (ipc * views))], Math.floor(n / views) % ipc, n % views];
});
const middle = rows[LABELS / 2];

console.log(
  `${bytes.length} bytes, ${classes.length} classes, ${ipc} pictures of each, ${views} views, ${container.sections.length} sections`,
);
const opening = await best(open, () => {});
const first = await best(
  () => {},
  async () => (await open()).label(...middle),
);
console.log(`opening: ${opening.before.toFixed(1)} ms`);
console.log(`opening and one label: ${first.after.toFixed(1)} ms`);
const all = await best(open, async (artifact) => {
  for (const row of rows) await artifact.label(...row);
});
console.log(
  `${LABELS} labels spread over the table: ${all.after.toFixed(0)} ms, ${((1000 * LABELS) / all.after).toFixed(0)} per second`,
);

/** Milliseconds of two steps, the second of which gets what the first gives. */
async function best(before, after) {
  const times = { before: Infinity, after: Infinity };
  for (let run = 0; run < RUNS; run++) {
    let began = process.cpuUsage();
    const given = await before();
    times.before = Math.min(times.before, since(began));
    began = process.cpuUsage();
    await after(given);
    times.after = Math.min(times.after, since(began));
  }
  return times;
}

function since(began) {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}
