/**
 * Where a page's data comes from. A source is an object of four functions; all that the page
 * shows of an artifact goes through them. Classes are indices of the file's class list, slots and
 * views count from 0, texts are as the file has them (the page escapes them), bytes are numbers.
 *
 *     async summary() -> {
 *       name, digest, bytes, format,         // "photos.ddz", hex, of the file, "1.0"
 *       size: [width, height],               // of a picture in pixels
 *       images, views,                       // pictures in all; views of each
 *       labels,                              // "soft", "hard" or "teacher"
 *       generated,                           // whether a prior draws the pictures
 *       problem,                             // why pictures cannot be shown, or null
 *       left_out,                            // a sentence, where the page does not hold all
 *       classes: [{class, name, id, pictures}],  // those that have rows; id: null, or its name in
 *                                            // the file beside a readable one
 *       parts: [{part, name, colour, stored, plain, buys}],  // the size budget; colour 0..5
 *       sections: [{part, kind, codec, scope, stored, plain, classes, slots, views}],
 *                                            // scope in words; ranges as [start, count]
 *       recipe: [[topic, sentence]], info: [[key, text]] }
 *     image(class, slot) -> the URL of a picture, or a promise of it; null where it is left out
 *     async picture(class, slot) -> {
 *       class, slot, name, generated, prompt,  // prompt: text or null
 *       picture,                               // URL
 *       stored: [URL], stored_words,           // patches as stored; [] where they are the picture
 *       bytes: [[part, bytes]] }               // its share of the file, largest first
 *     async views(class, slot, first, count) -> [{
 *       view, picture, words: [text],          // picture: URL; words: what the view changes
 *       partner: {class, slot, name, share} or null,       // share of the pixels, 0..1
 *       label: {bars: [[class name, probability]], rest} }] // largest first; the rest in sum
 *
 * A function that cannot answer throws an Error whose message is meant for people.
 */

/** Asks the server that the page came from. */
export class ServerSource {
  async summary() {
    return this.#asked("summary.json");
  }

  image(c, slot) {
    return `picture/${c}/${slot}.png`;
  }

  async picture(c, slot) {
    const told = await this.#asked(`picture/${c}/${slot}.json`);
    const stored = Array.from({ length: told.stored }, (_, n) => `stored/${c}/${slot}/${n}.png`);
    return { ...told, picture: this.image(c, slot), stored };
  }

  async views(c, slot, first, count) {
    const told = await this.#asked(`views/${c}/${slot}.json?first=${first}&count=${count}`);
    return told.map((one) => ({ ...one, picture: `views/${c}/${slot}/${one.view}.png` }));
  }

  async #asked(path) {
    let answer;
    try {
      answer = await fetch(path);
    } catch {
      throw new Error("The server has ended: run ddz show again.");
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error ?? `The server answered ${answer.status}.`);
    return told;
  }
}

/** Reads what the page itself holds: `{summary, pictures: {"class/slot": picture and views}}`. */
export class EmbeddedSource {
  #held;

  constructor(text) {
    this.#held = JSON.parse(text);
  }

  async summary() {
    return this.#held.summary;
  }

  image(c, slot) {
    return this.#held.pictures[`${c}/${slot}`]?.picture ?? null;
  }

  async picture(c, slot) {
    const found = this.#held.pictures[`${c}/${slot}`];
    if (found === undefined) throw new Error("This page does not hold that picture.");
    return found;
  }

  async views(c, slot, first, count) {
    const { picture, views } = await this.picture(c, slot);
    const shown = views.slice(first, first + count);
    return shown.map((view) => ({ ...view, picture: view.picture ?? picture }));
  }
}
