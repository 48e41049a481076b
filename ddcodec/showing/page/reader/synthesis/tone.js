/** Brightness, contrast and gamma, as one table of 256 bytes (spec/synthesis.md, section 3). */

/** @type {Map<number, Uint8Array>} */
const gammas = new Map();

/**
 * What becomes of each value.
 * @param {import("./draw.js").Draw} draw
 * @returns {Uint8Array}
 */
export function toneOf({ brightness, contrast, gamma }) {
  const bent = gammaOf(gamma);
  return Uint8Array.from({ length: 256 }, (_, i) => {
    const value = Math.floor((2 * (i * (100 + contrast) + 255 * brightness) + 100) / 200);
    return bent[Math.min(255, Math.max(0, value))];
  });
}

/** How many t of 1..255 have (2 t - 1)^100 255^g <= 510^100 i^g, of each value i. */
function gammaOf(g) {
  if (g === 100) return Uint8Array.from({ length: 256 }, (_, i) => i);
  let table = gammas.get(g);
  if (!table) {
    const power = BigInt(g);
    const scale = 255n ** power;
    const left = Array.from({ length: 256 }, (_, t) => (t ? BigInt(2 * t - 1) ** 100n * scale : 0n));
    table = new Uint8Array(256);
    for (let i = 0, t = 0; i < 256; i++) {
      const right = 510n ** 100n * BigInt(i) ** power;
      while (t < 255 && left[t + 1] <= right) t++;
      table[i] = t;
    }
    gammas.set(g, table);
  }
  return table;
}
