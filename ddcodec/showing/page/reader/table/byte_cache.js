/** A cache of values that are made once, bounded by bytes: the least used go first. */
export class ByteCache {
  /** @param {number} most bytes kept, but for one value that is larger */
  constructor(most) {
    this.most = most;
    this.bytes = 0;
    /** @type {Map<string, {value: Promise<any>, size: number}>} */
    this.entries = new Map();
  }

  /**
   * The value of a key, made where it is not there; one that cannot be made is not kept.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} make
   * @param {(value: T) => number} sizeOf
   * @returns {Promise<T>}
   */
  async get(key, make, sizeOf) {
    let entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
      return entry.value;
    }
    entry = { value: make(), size: 0 };
    this.entries.set(key, entry);
    try {
      const value = await entry.value;
      entry.size = sizeOf(value);
      this.bytes += entry.size;
      this.shrink(key);
      return value;
    } catch (error) {
      if (this.entries.get(key) === entry) this.entries.delete(key);
      throw error;
    }
  }

  shrink(kept) {
    for (const [key, { size }] of this.entries) {
      if (this.bytes <= this.most) return;
      if (key === kept || size === 0) continue;
      this.entries.delete(key);
      this.bytes -= size;
    }
  }
}
