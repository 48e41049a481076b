/** What a file may make a reader allocate, by default (spec/ddz.md, section 8). */
export const LIMITS = Object.freeze({
  header: 4 * 2 ** 20,
  nodes: 65536,
  depth: 8,
  sections: 65536,
  sectionRaw: 256 * 2 ** 20,
  totalRaw: 64 * 2 ** 30,
  window: 8 * 2 ** 20,
});
