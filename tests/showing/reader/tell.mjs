/**
 * Says as JSON what the page's file source tells of a file, its pictures' URLs left out:
 *
 *   node tell.mjs FILE.ddz PROGRAM ARGUMENT...
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { FileSource } from "../../../ddcodec/showing/page/file_source.js";
import { decoderOf, dictionary } from "./support.mjs";

const [path, ...program] = process.argv.slice(2);
const file = new File([readFileSync(path)], basename(path));
const source = await FileSource.open(file, { dictionary, decoder: decoderOf(program) });
const summary = await source.summary();
const pictures = [];
for (const { class: c, pictures: count } of summary.classes)
  for (let slot = 0; slot < count; slot++) {
    const { picture: _, stored, ...told } = await source.picture(c, slot);
    const views = await source.views(c, slot, 0, summary.views);
    pictures.push({ ...told, stored: stored.length, views: views.map(({ picture: __, ...view }) => view) });
  }
console.log(JSON.stringify({ summary, pictures }));
