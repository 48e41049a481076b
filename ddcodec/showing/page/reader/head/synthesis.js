/** What `recipe.synthesis` and `prior` may say (spec/table.md, "Synthesis"; spec/prior.md, section 1). */
import { compareBytes, utf8 } from "../bytes.js";
import { bytes32, hasControls, integer, integers, kindOf, mapOf, ratio, refuse, text } from "./fields.js";

const COMMON = [
  "kind",
  "prompt",
  "vectors",
  "negative",
  "time_ids",
  "size",
  "guidance",
  "profile",
  "batch",
  "weights",
];
const PATH = /^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}\/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const ENDING = /\.(json|txt|model|safetensors)$/;

/** @returns {string} the kind */
export function checkSynthesis(synthesis) {
  const kind = kindOf(synthesis, "recipe.synthesis", ["stored", "text2image", "image2image"]);
  if (kind === "stored") {
    mapOf(synthesis, "recipe.synthesis", ["kind"]);
    return kind;
  }
  const profile =
    "profile" in synthesis
      ? kindOf(synthesis, "recipe.synthesis", ["w8a8", "w8a15", "w15a15", "float"], "profile")
      : null;
  const own = kind === "text2image" ? ["grid"] : ["base", "signal", "share"];
  mapOf(synthesis, "recipe.synthesis", [...COMMON, ...own]);
  if (text(synthesis.prompt, "the prompt", 4096).split("{}").length !== 2)
    refuse("the prompt has not exactly one {}");
  checkVectors(synthesis.vectors);
  text(synthesis.negative, "the negative prompt", 4096);
  const ids = Array.isArray(synthesis.time_ids) && synthesis.time_ids.length === 0 ? 0 : 6;
  integers(synthesis.time_ids, ids, 0, 8192, "time_ids");
  integers(synthesis.size, 2, 1, 8192, "the size of generated pictures");
  ratio(synthesis.guidance, "guidance");
  if (profile === "float") {
    integer(synthesis.batch, 1, 4096, "batch");
    if (synthesis.weights !== null) refuse("weights of a float profile");
  } else {
    integer(synthesis.batch, 0, 0, "batch");
    bytes32(synthesis.weights, "weights");
  }
  if (kind === "text2image") integer(synthesis.grid, 1, 64, "the grid of generated pictures");
  else checkBase(synthesis);
  return kind;
}

function checkVectors(vectors) {
  const one = Array.isArray(vectors) && vectors.length === 1;
  if (one) integers(vectors, 1, 0, 0, "vectors");
  else integers(vectors, Array.isArray(vectors) && vectors.length === 3 ? 3 : 2, 1, 65536, "vectors");
  if (vectors.length === 3 && vectors[1] < 1) refuse("vectors");
}

function checkBase(synthesis) {
  kindOf(synthesis, "recipe.synthesis", ["patches", "latents"], "base");
  integer(synthesis.signal, 0, 0x7f7fffff, "signal");
  const [n, d] = ratio(synthesis.share, "share");
  if (n > d) refuse("share is above 1");
}

/** The pin of a prior. */
export function checkPrior(prior) {
  mapOf(prior, "prior", ["source", "revision", "files", "digest"]);
  const parts = text(prior.source, "prior.source").split("/");
  const bad = (part) =>
    part.length < 1 ||
    [...part].length > 200 ||
    hasControls(part) ||
    part.includes("\\") ||
    part.includes("..");
  if (parts.length > 2 || parts.some(bad)) refuse("prior.source");
  if (
    parts.length === 1
      ? prior.revision !== null
      : !/^[0-9a-f]{40}$/.test(text(prior.revision, "prior.revision"))
  )
    refuse("prior.revision");
  const { files } = prior;
  if (!Array.isArray(files) || files.length < 1 || files.length > 256) refuse("prior.files");
  files.forEach((file, i) => {
    if (typeof file !== "string" || !PATH.test(file) || !ENDING.test(file)) refuse("a path in prior.files");
    if (i > 0 && compareBytes(utf8(files[i - 1]), utf8(file)) >= 0) refuse("prior.files do not ascend");
  });
  if (!files.includes("model_index.json")) refuse("prior.files lack model_index.json");
  bytes32(prior.digest, "prior.digest");
}
