// Squarified treemaps (Bruls, Huizing, van Wijk 2000): areas by value, sides as equal as may be.

/** Places of positive values, largest first, in a box: [{x, y, width, height}] in their order. */
export function squarify(values, box) {
  const placed = [];
  const total = values.reduce((sum, value) => sum + value, 0);
  const scale = (box.width * box.height) / total;
  let { x, y, width, height } = box;
  for (let i = 0; i < values.length; ) {
    const side = Math.min(width, height);
    const row = [];
    let area = 0;
    let worst = Infinity;
    while (i + row.length < values.length) {
      const next = values[i + row.length] * scale;
      const longest = row.length ? row[0] : next;
      const whole = area + next;
      const ratio = Math.max((side ** 2 * longest) / whole ** 2, whole ** 2 / (side ** 2 * next));
      if (row.length && ratio > worst) break;
      row.push(next);
      area = whole;
      worst = ratio;
    }
    const depth = side > 0 ? area / side : 0;
    let along = 0;
    for (const one of row) {
      const length = depth > 0 ? one / depth : 0;
      placed.push(
        width >= height
          ? { x, y: y + along, width: depth, height: length }
          : { x: x + along, y, width: length, height: depth },
      );
      along += length;
    }
    if (width >= height) [x, width] = [x + depth, Math.max(0, width - depth)];
    else [y, height] = [y + depth, Math.max(0, height - depth)];
    i += row.length;
  }
  return placed;
}
