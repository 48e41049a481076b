/** A recipe, and the views of a picture, in sentences. */
import { labelBytes } from "./budget.js";
import { fixed, general, grouped, quoted } from "./text.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i;
const CODECS = { "mosaic-webp": "WebP", "mosaic-avif": "AVIF", "mosaic-png": "PNG" };

/** @typedef {import("../reader/artifact.js").Artifact} Artifact */

/**
 * [topic, sentence] of all that a decoder and a student do.
 * @param {Artifact} artifact
 * @param {string[]} support what a slice keeps besides its rows
 * @returns {[string, string][]}
 */
export function recipeSentences(artifact, support) {
  const { recipe } = artifact.head;
  const { mean, std, protocol } = recipe.evaluation;
  const [means, stds] = [mean, std].map((values) =>
    values.map((value) => fixed(value / 65536, 3)).join(", "),
  );
  return [
    ...pictures(artifact).map((text) => ["pictures", text]),
    ...views(recipe).map((text) => ["views", text]),
    ...labels(artifact).map((text) => ["labels", sentence(text)]),
    ["students", `Students train under protocol ${protocol}.`],
    ["students", `They see R, G and B from 0 to 1, less ${means}, divided by ${stds}.`],
    ...support.map((text) => ["support", `Kept besides the rows: ${text}.`]),
  ];
}

/**
 * Each change that a view makes to its picture, partners aside.
 * @param {number[]} size [width, height]
 * @param {import("../reader/synthesis/draw.js").Draw} draw
 * @returns {string[]}
 */
export function viewWords([width, height], draw) {
  const { top, left, rows, columns } = draw;
  const words = [];
  if (rows !== height || columns !== width) {
    const share = fixed((100 * rows * columns) / (height * width), 0);
    words.push(`${columns} x ${rows} px from (${left}, ${top}), ${share} % of the area, enlarged`);
  } else {
    const moved = [
      [left, "left", "right"],
      [top, "up", "down"],
    ]
      .filter(([by]) => by !== 0)
      .map(([by, one, other]) => `${Math.abs(by)} px ${by > 0 ? one : other}`);
    if (moved.length) words.push(`moved ${moved.join(" and ")}`);
  }
  if (draw.flip) words.push("mirrored");
  if (draw.vflip) words.push("upside down");
  if (draw.degrees)
    words.push(`turned ${Math.abs(draw.degrees)}° to the ${draw.degrees > 0 ? "left" : "right"}`);
  for (const [name, percent] of [
    ["contrast", draw.contrast],
    ["brightness", draw.brightness],
  ])
    if (percent) words.push(`${name} ${percent > 0 ? "+" : ""}${percent} %`);
  if (draw.gamma !== 100) words.push(`gamma ${general(draw.gamma / 100)}`);
  return words;
}

const sentence = (text) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;

function pictures(artifact) {
  const { recipe } = artifact.head;
  const said = artifact.stored ? [`Every pixel is stored, ${patches(artifact)}.`] : generated(artifact);
  const { grid, kind } = recipe.layout;
  if (kind === "collage") said.push(`A picture is ${grid} x ${grid} patches, side by side.`);
  if (recipe.variations > 1)
    said.push(`A slot has ${recipe.variations} pictures, which its views show in turn.`);
  return said;
}

/** Size and codec of the stored patches; those of artifacts that were merged may differ. */
function patches({ table }) {
  const forms = table
    .sectionsOf("patches")
    .map(({ codec: { name, params } }) => `${params.width} x ${params.height} px in ${CODECS[name]}`);
  return `as patches of ${[...new Set(forms)].join(", or of ")}`;
}

function generated(artifact) {
  const {
    prior,
    recipe: { synthesis },
  } = artifact.head;
  const name = `Prior ${prior.revision ? `${prior.source}@${prior.revision}` : prior.source}`;
  const [width, height] = synthesis.size;
  const said = [];
  if (synthesis.kind === "image2image") {
    said.push(
      `Pictures are stored small, ${synthesis.base === "patches" ? patches(artifact) : "as latents"}.`,
    );
    const [n, d] = synthesis.share;
    if (n !== 1 || d !== 1)
      said.push(`Each is ${fixed((100 * n) / d, 0)} % itself and the rest another of its class.`);
    said.push(`${name} redraws them at ${width} x ${height} px.`);
  } else {
    said.push("Nothing is stored of a picture but its seed.");
    said.push(`${name} draws it from there, ${width} x ${height} px at a time.`);
    if (synthesis.grid > 1)
      said.push(`What it draws is cut into ${synthesis.grid} x ${synthesis.grid} patches.`);
  }
  const [count] = synthesis.vectors;
  const learned = count === 1 ? "a learned token vector" : `${count} learned token vectors`;
  said.push(`The prompt is ${quoted(synthesis.prompt)}: {} is ${count ? learned : "a text"} per class.`);
  const [n, d] = synthesis.guidance;
  const away = synthesis.negative ? `, away from ${quoted(synthesis.negative)}` : "";
  if (n !== 1 || d !== 1) said.push(`Guidance is ${general(n / d)}${away}.`);
  const where = synthesis.profile === "float" ? "in an equal environment" : "on every machine";
  said.push(`Executed in profile ${synthesis.profile}: the same bytes ${where}.`);
  return said;
}

function views({ view, views: count }) {
  if (view.kind === "stored") return [`A picture has ${count} views, each as the file says.`];
  const changes =
    view.kind !== "identity" ||
    view.flip ||
    view.cutmix ||
    view.vflip ||
    view.rotate ||
    view.brightness ||
    view.gamma;
  if (count === 1 || !changes) return ["Pictures are shown as they are."];
  const said = [`A picture has ${count} views; view 0 is the picture itself.`];
  if (view.kind === "pad-crop")
    said.push(`The others are moved by up to ${view.pad} px each way, mirrored at the edges.`);
  if (view.kind === "resized-crop") {
    const [least, most] = view.scale.map((part) => fixed((100 * part) / view.scale[2], 0));
    said.push(`The others show ${least} to ${most} % of its area, enlarged.`);
  }
  said.push(...chances(view).map(sentence));
  const of = view.partners ? `one of ${view.partners} neighbouring classes` : "any class";
  if (view.cutmix) said.push(`Into a box of each, a view of a partner from ${of} is pasted (CutMix).`);
  return said;
}

function chances({ flip, flip_percent: percent = 50, vflip, rotate, brightness, gamma }) {
  const said = [];
  if (flip) said.push(`${percent} % of them are mirrored left to right`);
  if (vflip) said.push(`${vflip} % are mirrored top to bottom`);
  if (rotate) said.push(`${rotate[1]} % are turned by up to ${rotate[0]}° either way`);
  if (brightness)
    said.push(
      `${brightness[2]} % change contrast by up to ${brightness[1]} and brightness by ${brightness[0]} %`,
    );
  if (gamma)
    said.push(`${gamma[2]} % have a gamma of ${general(gamma[0] / 100)} to ${general(gamma[1] / 100)}`);
  return said;
}

function labels(artifact) {
  const {
    kind,
    temperature: [n, d],
  } = artifact.head.recipe.labels;
  if (kind === "hard") return ["hard: the class of each picture"];
  const said = kind === "teacher" ? teachers(artifact) : [softLabels(artifact)];
  const noted = artifact.container.info.labels?.divergence;
  const told = typeof noted === "string" && NUMBER.test(noted);
  const distance = told ? `, ${general(Number(noted), 2)} nats from the teacher's` : "";
  said.push(`for training at temperature ${n}${d > 1 ? `/${d}` : ""}${distance}`);
  return said;
}

function softLabels(artifact) {
  const { count, stored, plain } = labelBytes(artifact);
  const each = fixed(stored / Math.max(1, count), 2);
  const times = fixed(plain / Math.max(1, stored), 1);
  return `soft: ${grouped(stored)} bytes, ${each} per label, ${times} times smaller than 16-bit floating point (${grouped(plain)})`;
}

function teachers(artifact) {
  const sections = artifact.table.sectionsOf("teacher");
  const said = sections.map(
    ({ stored, codec: { params } }) =>
      `computed by a stored teacher, ${params.arch} at ${params.bits} bits, ${grouped(stored)} bytes, ` +
      "exact profile w8a15: the same on every machine",
  );
  const { count } = labelBytes(artifact);
  const least = sections.reduce((sum, { stored }) => sum + stored, 0) + 1;
  if (sections.length)
    said.push(
      `${count >= least ? "smaller" : "larger"} than stored labels would be at 1 byte each: it pays from ` +
        `${grouped(least)} labels on, this table has ${grouped(count)}`,
    );
  return said;
}
