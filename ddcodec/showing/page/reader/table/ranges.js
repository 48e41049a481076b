/** Sets of classes as ranges, and whether boxes tile them (spec/table.md, "Tiling"). */

/** Disjoint ranges [start, end), ascending; where each begins, counted in members. */
export class ClassSet {
  /** @param {number[][]} ranges [start, count], in any order, perhaps overlapping */
  constructor(ranges) {
    const sorted = ranges.map(([start, count]) => [start, start + count]).sort((a, b) => a[0] - b[0]);
    /** @type {number[][]} */
    this.ranges = [];
    for (const [start, end] of sorted) {
      const last = this.ranges[this.ranges.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else this.ranges.push([start, end]);
    }
    let size = 0;
    this.begins = this.ranges.map(([start, end]) => (size += end - start) - (end - start));
    this.size = size;
  }

  /** How many members lie below `c`. */
  rank(c) {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle][0] <= c) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    const [start, end] = this.ranges[low - 1];
    return this.begins[low - 1] + Math.min(c, end) - start;
  }

  has(c) {
    return this.rank(c + 1) > this.rank(c);
  }

  /** Whether all of a range are members. */
  covers(start, count) {
    return this.rank(start + count) - this.rank(start) === count;
  }

  /** The members within a range. */
  within(start, count) {
    const ranges = this.ranges
      .map(([a, b]) => [Math.max(a, start), Math.min(b, start + count)])
      .filter(([a, b]) => a < b);
    return new ClassSet(ranges.map(([a, b]) => [a, b - a]));
  }
}

/**
 * Whether boxes tile [0, sizes[0]) x [0, sizes[1]) x [0, sizes[2]): each place lies in exactly one.
 *
 * A function that is 0 far away is known by its mixed differences, and those of a box stand at its
 * corners, with signs that alternate. So boxes tile a box exactly if the signs at each corner cancel.
 * @param {Iterable<number[]>} boxes [start, end] of each axis, none empty
 * @param {number[]} sizes
 */
export function tiles(boxes, sizes) {
  const corners = new Map();
  const add = (box, sign) => {
    for (let corner = 0; corner < 8; corner++) {
      const [a, b, c] = [corner & 1, (corner >> 1) & 1, corner >> 2];
      const key = `${box[a]},${box[2 + b]},${box[4 + c]}`;
      const left = (corners.get(key) ?? 0) + ((a + b + c) % 2 ? -sign : sign);
      if (left === 0) corners.delete(key);
      else corners.set(key, left);
    }
  };
  for (const box of boxes) add(box, 1);
  add([0, sizes[0], 0, sizes[1], 0, sizes[2]], -1);
  return corners.size === 0;
}
