/** Rotation about the centre, by whole degrees (spec/synthesis.md, section 3, "Rotation"). */

// prettier-ignore
const SINES = [
  0, 1144, 2287, 3430, 4572, 5712, 6850, 7987, 9121, 10252, 11380, 12505, 13626, 14742, 15855, 16962, 18064, 19161,
  20252, 21336, 22415, 23486, 24550, 25607, 26656, 27697, 28729, 29753, 30767, 31772, 32768, 33754, 34729, 35693,
  36647, 37590, 38521, 39441, 40348, 41243, 42126, 42995, 43852, 44695, 45525, 46341, 47143, 47930, 48703, 49461,
  50203, 50931, 51643, 52339, 53020, 53684, 54332, 54963, 55578, 56175, 56756, 57319, 57865, 58393, 58903, 59396,
  59870, 60326, 60764, 61183, 61584, 61966, 62328, 62672, 62997, 63303, 63589, 63856, 64104, 64332, 64540, 64729,
  64898, 65048, 65177, 65287, 65376, 65446, 65496, 65526, 65536,
];

/** 65536 sin a, of whole degrees. */
function sine(a) {
  if (a < 0) return -sine(-a);
  if (a > 180) return sine(a - 360);
  return a > 90 ? SINES[180 - a] : SINES[a];
}

const reflect = (i, length) => {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const m = ((i % period) + period) % period;
  return m < length ? m : period - m;
};

/**
 * @param {import("../codecs/mosaics.js").Picture} picture
 * @param {number} degrees anticlockwise, -180..180
 */
export function rotate({ width, height, data: from }, degrees) {
  const [s, c] = [sine(degrees), sine(degrees + 90)];
  const data = new Uint8Array(from.length);
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0; x < width; x++, to += 3) {
      const u = 2 * x - (width - 1);
      const v = 2 * y - (height - 1);
      const column = Math.floor((c * u - s * v + 65536 * (width - 1) + 2048) / 4096);
      const row = Math.floor((s * u + c * v + 65536 * (height - 1) + 2048) / 4096);
      const [l, p] = [column >> 5, column & 31];
      const [t, q] = [row >> 5, row & 31];
      const [x0, x1] = [3 * reflect(l, width), 3 * reflect(l + 1, width)];
      const [y0, y1] = [3 * width * reflect(t, height), 3 * width * reflect(t + 1, height)];
      for (let k = 0; k < 3; k++) {
        const upper = (32 - p) * from[y0 + x0 + k] + p * from[y0 + x1 + k];
        const lower = (32 - p) * from[y1 + x0 + k] + p * from[y1 + x1 + k];
        data[to + k] = ((32 - q) * upper + q * lower + 512) >> 10;
      }
    }
  return { width, height, data };
}
