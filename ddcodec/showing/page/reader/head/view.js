/** What `recipe.layout` and `recipe.view` may say (spec/synthesis.md, sections 2 and 3). */
import { integer, integers, kindOf, mapOf, refuse } from "./fields.js";

/**
 * @typedef {{kind: string, pad: number, scale: number[], flip: number, cutmix: number,
 *   flip_percent?: number, vflip?: number, rotate?: number[], brightness?: number[],
 *   gamma?: number[], partners?: number, slots?: number}} View
 */

const OPTIONAL = ["flip_percent", "vflip", "rotate", "brightness", "gamma", "partners", "slots"];

export function checkLayout(layout, size) {
  const kind = kindOf(layout, "recipe.layout", ["single", "collage"]);
  mapOf(layout, "recipe.layout", ["kind", "grid"]);
  if (kind === "single") integer(layout.grid, 1, 1, "recipe.layout.grid");
  else integer(layout.grid, 2, Math.min(64, ...size), "recipe.layout.grid");
}

/** @param {any} view @param {number[]} size @param {number} ipc */
export function checkView(view, size, ipc) {
  const kind = kindOf(view, "recipe.view", ["identity", "pad-crop", "resized-crop", "stored"]);
  mapOf(view, "recipe.view", ["kind", "pad", "scale", "flip", "cutmix"], OPTIONAL);
  integer(view.flip, 0, 1, "recipe.view.flip");
  integer(view.cutmix, 0, 1, "recipe.view.cutmix");
  if (kind === "pad-crop") integer(view.pad, 1, Math.min(8192, size[0] - 1, size[1] - 1), "recipe.view.pad");
  else integer(view.pad, 0, 0, "recipe.view.pad");
  checkScale(view.scale, kind);
  for (const field of OPTIONAL)
    if (field in view && (kind === "stored") !== (field === "slots"))
      refuse(`recipe.view.${field} says nothing in views that are ${kind}`);
  checkChoices(view, ipc);
}

function checkScale(scale, kind) {
  integers(scale, 3, 1, 4096, "recipe.view.scale");
  const [least, most, denominator] = scale;
  if (
    kind === "resized-crop"
      ? least > most || most > denominator
      : denominator !== 1 || least !== 1 || most !== 1
  )
    refuse("recipe.view.scale is out of range");
}

function checkChoices(view, ipc) {
  const percent = (value, what) => integer(value, 1, 100, `recipe.view.${what}`);
  if ("flip_percent" in view) {
    percent(view.flip_percent, "flip_percent");
    if (!view.flip || view.flip_percent === 50) refuse("recipe.view.flip_percent says what its absence says");
  }
  if ("vflip" in view) percent(view.vflip, "vflip");
  if ("rotate" in view) {
    integers(view.rotate, 2, 1, 180, "recipe.view.rotate");
    percent(view.rotate[1], "rotate");
  }
  if ("brightness" in view) {
    integers(view.brightness, 3, 0, 100, "recipe.view.brightness");
    percent(view.brightness[2], "brightness");
    if (view.brightness[0] === 0 && view.brightness[1] === 0)
      refuse("recipe.view.brightness changes nothing");
  }
  if ("gamma" in view) {
    integers(view.gamma, 3, 1, 1000, "recipe.view.gamma");
    percent(view.gamma[2], "gamma");
    if (view.gamma[0] < 10 || view.gamma[0] > view.gamma[1]) refuse("recipe.view.gamma is out of range");
  }
  if ("partners" in view) {
    integer(view.partners, 1, 65535, "recipe.view.partners");
    if (!view.cutmix) refuse("recipe.view.partners says nothing without cutmix");
  }
  if ("slots" in view) {
    integer(view.slots, ipc + 1, 2 ** 24, "recipe.view.slots");
    if (!view.cutmix) refuse("recipe.view.slots says nothing without cutmix");
  }
}
