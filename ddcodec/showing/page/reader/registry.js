/** The registry of kinds and codecs (spec/registry.md): what exists, and of which version. */

/** Of each kind its flags, what its sections are of, the axes they divide, and its codecs. */
export const KINDS = Object.freeze({
  __proto__: null,
  draws: { flags: 0, of: "pictures", axes: "csv", codecs: ["view-draws"] },
  "label-fields": { flags: 0, of: "pictures", axes: "cs", codecs: ["label-fields"] },
  "label-model": { flags: 0, of: "origins", axes: "c", codecs: ["label-model"] },
  labels: { flags: 0, of: "rows", axes: "csv", codecs: ["hard-labels", "soft-labels", "top-k-labels"] },
  latents: { flags: 0, of: "pictures", axes: "cs", codecs: ["quantised-latents"] },
  patches: { flags: 0, of: "pictures", axes: "cs", codecs: ["mosaic-avif", "mosaic-png", "mosaic-webp"] },
  pixels: { flags: 3, of: "rows", axes: "cs", codecs: ["pixel-digest"] },
  prompts: { flags: 0, of: "pictures", axes: "c", codecs: ["prompt-fp16", "prompt-int8", "prompt-text"] },
  schedule: { flags: 0, of: "artifact", axes: "", codecs: ["schedule-table"] },
  seeds: { flags: 0, of: "pictures", axes: "cs", codecs: ["seed-derived", "seed-list"] },
  teacher: { flags: 0, of: "origins", axes: "c", codecs: ["teacher-weights"] },
});

/** The one version of each codec that this reader knows. */
export const VERSIONS = Object.freeze({
  __proto__: null,
  ...Object.fromEntries(Object.values(KINDS).flatMap(({ codecs }) => codecs.map((name) => [name, 1]))),
  "pixel-digest": 2,
});
