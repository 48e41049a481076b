// Pictures that are loaded a few at a time, so that answers to other questions are not behind them.

const AT_ONCE = 5; // of the six connections that browsers keep to a server

export class Loader {
  #waiting = [];
  #loading = 0;
  #told;
  #stopped;

  /**
   * `told(count)` is called with how many pictures are still to come. Where it is known that none
   * can be had, the loader is `stopped`, and asks for none.
   */
  constructor(told, { stopped = false } = {}) {
    this.#told = told;
    this.#stopped = stopped;
  }

  /** Give an image its URL, or a promise of it, once it is its turn and still on the page. */
  load(image, url, { first = false } = {}) {
    image.classList.add(this.#stopped ? "failed" : "waiting");
    if (this.#stopped) return;
    this.#waiting[first ? "unshift" : "push"]([image, url]);
    this.#next();
  }

  async #next() {
    this.#waiting = this.#waiting.filter(([image]) => image.isConnected);
    this.#told(this.#waiting.length + this.#loading);
    if (this.#loading >= AT_ONCE || this.#waiting.length === 0) return;
    const [image, url] = this.#waiting.shift();
    this.#loading++;
    this.#next();
    try {
      await loaded(image, await url);
    } catch {
      image.classList.add("failed");
    }
    image.classList.remove("waiting");
    this.#loading--;
    this.#next();
  }
}

/** An image with its URL, once it has loaded; one that leaves the page meanwhile stops loading. */
function loaded(image, url) {
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = url;
  });
}
