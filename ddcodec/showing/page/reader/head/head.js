/** The head: what a decoder must know, checked whole (spec/table.md, section 1). */
import { integer, integers, kindOf, mapOf, ranges, ratio, refuse, text, hasControls } from "./fields.js";
import { checkPrior, checkSynthesis } from "./synthesis.js";
import { checkLayout, checkView } from "./view.js";

const RECIPE = ["size", "ipc", "views", "variations", "synthesis", "layout", "view", "labels", "evaluation"];
const MOST = 2 ** 24;

/**
 * A valid head, and the sizes that follow from it (spec/table.md, "Sizes").
 * @typedef {{classes: string[], names: string[], rows: number[][], origins: number[][], recipe: any,
 *   prior: any, patchesPerSlot: number, pictureSlots: number, seedSlots: number}} Head
 */

/**
 * @param {any} head as the header holds it
 * @returns {Head}
 */
export function headOf(head) {
  mapOf(head, "the head", ["classes", "rows", "origins", "recipe"], ["names", "prior"]);
  const { classes, recipe } = head;
  const names = namesOf(head);
  const rows = ranges(head.rows, classes.length, "rows");
  const origins = ranges(head.origins, classes.length, "origins");
  if (origins.reduce((sum, [, count]) => sum + count, 0) !== classes.length)
    refuse("origins leave a class out");
  checkRecipe(recipe, rows);
  const generated = recipe.synthesis.kind !== "stored";
  if ("prior" in head !== generated) refuse(generated ? "no prior" : "a prior that nothing uses");
  if (generated) checkPrior(head.prior);

  const patchesPerSlot = recipe.layout.grid ** 2;
  const pictureSlots = recipe.view.slots ?? recipe.ipc;
  const grid = recipe.synthesis.grid ?? 1;
  const pictures = generated ? Math.ceil((pictureSlots * patchesPerSlot) / grid ** 2) : 0;
  return {
    classes,
    names,
    rows,
    origins,
    recipe,
    prior: head.prior ?? null,
    patchesPerSlot,
    pictureSlots,
    seedSlots: Math.max(pictureSlots, pictures),
  };
}

/** Checks the classes; what to call them. */
function namesOf(head) {
  const { classes } = head;
  if (!Array.isArray(classes) || classes.length < 1 || classes.length > 2 ** 20) refuse("classes");
  for (const name of classes) if (text(name, "a class", 1024) === "") refuse("a class without a name");
  if (new Set(classes).size !== classes.length) refuse("two classes of one name");
  if (!("names" in head)) return classes;
  const { names } = head;
  if (!Array.isArray(names) || names.length !== classes.length) refuse("names are not as many as classes");
  for (const name of names)
    if (text(name, "a readable name", 1024) === "" || hasControls(name)) refuse("a readable name");
  if (names.every((name, i) => name === classes[i])) refuse("names that are those of the classes");
  return names;
}

function checkRecipe(recipe, rows) {
  mapOf(recipe, "recipe", RECIPE);
  integers(recipe.size, 2, 1, 8192, "recipe.size");
  integer(recipe.ipc, 1, MOST, "recipe.ipc");
  integer(recipe.views, 1, MOST, "recipe.views");
  const classes = rows.reduce((sum, [, count]) => sum + count, 0);
  if (classes * recipe.ipc > 2 ** 31 / recipe.views) refuse("there are more than 2^31 rows");
  const kind = checkSynthesis(recipe.synthesis);
  integer(recipe.variations, 1, kind === "stored" ? 1 : MOST, "recipe.variations");
  checkLayout(recipe.layout, recipe.size);
  checkView(recipe.view, recipe.size, recipe.ipc);
  checkLabels(recipe.labels);
  checkEvaluation(recipe.evaluation);
}

function checkLabels(labels) {
  kindOf(labels, "recipe.labels", ["soft", "hard", "teacher"]);
  mapOf(labels, "recipe.labels", ["kind", "temperature"]);
  const [n, d] = ratio(labels.temperature, "the temperature");
  if (64 * n < d || n > 1024 * d) refuse("the temperature is out of range");
}

function checkEvaluation(evaluation) {
  mapOf(evaluation, "recipe.evaluation", ["mean", "std", "protocol"]);
  integers(evaluation.mean, 3, 0, 65536, "recipe.evaluation.mean");
  integers(evaluation.std, 3, 1, 65536, "recipe.evaluation.std");
  text(evaluation.protocol, "recipe.evaluation.protocol");
}
