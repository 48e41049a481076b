/**
 * The source of a page that reads the file itself: the functions that source.js writes down,
 * answered by the reader, without a server.
 */
import { bytesOf, partOf, partsOf, plainBytes, supportWords } from "./file/budget.js";
import { PictureUrls } from "./file/pictures.js";
import { ascending, flatText } from "./file/text.js";
import { recipeSentences, viewWords } from "./file/words.js";
import { Artifact, browserDecoder, FileBlob, UrlBlob } from "./reader/index.js";
import { pixelsOf } from "./reader/synthesis/draw.js";

/** The likeliest classes that are told of a label; the rest is one number. */
const SHOWN_LABELS = 5;
/** A pixel of nothing, where a picture is generated: this reader runs no prior. */
const NOT_DRAWN = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

export class FileSource {
  /** @type {Artifact} */
  #artifact;
  #name;
  #urls = new PictureUrls();
  /** How many classes have a readable name. @type {Map<string, number>} */
  #called = new Map();

  /**
   * The source of a file that somebody chose or dropped, or of a URL.
   * @param {File | string | URL} place
   * @param {{dictionary: Uint8Array | (() => Promise<Uint8Array>),
   *   decoder?: import("./reader/codecs/mosaics.js").Decoder}} options the header dictionary, and a
   *   decoder of WebP and AVIF where it is not the browser's own
   */
  static async open(place, { dictionary, decoder = browserDecoder }) {
    const file = place instanceof Blob;
    const blob = file ? new FileBlob(place) : await UrlBlob.open(place);
    const name = file ? place.name : new URL(place).pathname.split("/").pop();
    return new FileSource(await Artifact.open(blob, { dictionary, decoder }), name);
  }

  /**
   * @param {Artifact} artifact
   * @param {string} name of the file
   */
  constructor(artifact, name) {
    this.#artifact = artifact;
    this.#name = name;
    for (const called of artifact.head.names) this.#called.set(called, (this.#called.get(called) ?? 0) + 1);
  }

  async summary() {
    const { head, container, digest, stored } = this.#artifact;
    const { recipe } = head;
    const classes = head.rows.flatMap(([start, count]) => Array.from({ length: count }, (_, i) => start + i));
    return {
      name: this.#name,
      digest,
      bytes: container.blob.length,
      format: container.format,
      size: recipe.size,
      views: recipe.views,
      images: classes.length * recipe.ipc,
      labels: recipe.labels.kind,
      generated: !stored,
      problem: this.#problem(),
      classes: classes.map((c) => ({
        class: c,
        name: this.#title(c),
        id: this.#id(c),
        pictures: recipe.ipc,
      })),
      parts: partsOf(this.#artifact),
      sections: container.sections.map((section) => this.#section(section)),
      recipe: recipeSentences(this.#artifact, supportWords(this.#artifact)),
      info: ascending(container.info)
        .map((key) => [key.replaceAll("_", " "), flatText(container.info[key])])
        .filter(([, text]) => text),
    };
  }

  async image(c, slot) {
    return this.#artifact.stored ? this.#urls.of(await this.#artifact.picture(c, slot)) : NOT_DRAWN;
  }

  async picture(c, slot) {
    const patches = await this.#patches(c, slot);
    return {
      class: c,
      slot,
      name: this.#title(c),
      generated: !this.#artifact.stored,
      prompt: await this.#prompt(c),
      picture: await this.image(c, slot),
      stored: patches.map((patch) => this.#urls.of(patch)),
      stored_words: this.#patchWords(patches),
      bytes: bytesOf(this.#artifact, c, slot),
    };
  }

  async views(c, slot, first, count) {
    const { head, table } = this.#artifact;
    if (!table.structure().rows.has(c) || slot >= head.recipe.ipc) return [];
    const told = [];
    for (let view = first; view < Math.min(head.recipe.views, first + count); view++)
      told.push(await this.#view(c, slot, view));
    return told;
  }

  /** What of the artifact this reader does not compute. */
  #problem() {
    const missing = [];
    if (!this.#artifact.stored) missing.push("pictures are drawn by a prior");
    if (this.#artifact.head.recipe.labels.kind === "teacher")
      missing.push("labels are computed by a stored teacher");
    return missing.length ? `Not shown here: ${missing.join(", and ")}. Run ddz show to see them.` : null;
  }

  /** What to call a class: its readable name, with its id where others are called so too. */
  #title(c) {
    const { names } = this.#artifact.head;
    return this.#called.get(names[c]) === 1 ? names[c] : this.#whole(c);
  }

  /** The name of a class in the file, where what it is called does not tell. */
  #id(c) {
    const id = this.#artifact.head.classes[c];
    return [id, this.#whole(c)].includes(this.#title(c)) ? null : id;
  }

  /** Both names of a class, such as `n01440764 (tench)`. */
  #whole(c) {
    const { classes, names } = this.#artifact.head;
    return classes[c] === names[c] ? classes[c] : `${classes[c]} (${names[c]})`;
  }

  #section(section) {
    const { kind, codec, box, stored } = section;
    return {
      part: partOf(section),
      kind,
      codec: `${codec.name} v${codec.version}`,
      scope: this.#scope(box),
      stored,
      plain: plainBytes(this.#artifact, section),
      classes: box.slice(0, 2),
      slots: box.slice(2, 4),
      views: box.slice(4, 6),
    };
  }

  /** Whose a section is, such as `cat, slots 0 to 4`. */
  #scope([start, classes, slot, slots, view, views]) {
    if (!classes) return "the whole artifact";
    const last = start + classes - 1;
    const words = [start === last ? this.#title(start) : `${this.#title(start)} to ${this.#title(last)}`];
    for (const [axis, from, count] of [
      ["slot", slot, slots],
      ["view", view, views],
    ])
      if (count) words.push(count === 1 ? `${axis} ${from}` : `${axis}s ${from} to ${from + count - 1}`);
    return words.join(", ");
  }

  /** The prompt of a class, as far as it is words. */
  async #prompt(c) {
    const { head, stored, table } = this.#artifact;
    if (stored) return null;
    const { prompt, vectors } = head.recipe.synthesis;
    const text = vectors[0] ? `<learned token of ${head.names[c]}>` : await table.promptOf(c);
    return prompt.split("{}").join(text);
  }

  /** Patches as they are stored; none where they are the picture. */
  async #patches(c, slot) {
    const { head, stored } = this.#artifact;
    const first = await this.#artifact.patch(c, slot, 0);
    if (!first) return [];
    const [width, height] = head.recipe.size;
    if (stored && head.patchesPerSlot === 1 && first.width === width && first.height === height) return [];
    const rest = Array.from({ length: head.patchesPerSlot - 1 }, (_, j) =>
      this.#artifact.patch(c, slot, j + 1),
    );
    return [first, ...(await Promise.all(rest))];
  }

  #patchWords(patches) {
    if (patches.length === 0) return "";
    const several = patches.length > 1;
    const what = several ? `${patches.length} patches` : "a patch";
    const made = !this.#artifact.stored ? "redrawn from" : several ? "made of" : "enlarged from";
    return `${what} of ${patches[0].width} x ${patches[0].height} px, which the picture is ${made}`;
  }

  async #view(c, slot, view) {
    const { recipe } = this.#artifact.head;
    const { own, partner } = await this.#artifact.draw(c, slot, view);
    const words = viewWords(recipe.size, own);
    const plain = view === 0 && recipe.view.kind !== "stored";
    return {
      view,
      picture: this.#artifact.stored ? this.#urls.of(await this.#artifact.image(c, slot, view)) : NOT_DRAWN,
      words: plain ? ["the picture itself"] : words.length ? words : ["as it is"],
      partner: partner && this.#partner(partner),
      label: await this.#label(c, slot, view),
    };
  }

  #partner({ class: c, slot, box }) {
    const [width, height] = this.#artifact.head.recipe.size;
    const all = width * height;
    return { class: c, slot, name: this.#title(c), share: 1 - (all - pixelsOf(box)) / all };
  }

  async #label(c, slot, view) {
    if (this.#artifact.head.recipe.labels.kind === "teacher") return { bars: [], rest: 0 };
    const { start, probabilities } = await this.#artifact.label(c, slot, view);
    const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
    const bars = order
      .slice(0, SHOWN_LABELS)
      .filter((k) => probabilities[k] > 0)
      .map((k) => [this.#title(start + k), probabilities[k]]);
    return { bars, rest: Math.max(0, 1 - bars.reduce((sum, [, share]) => sum + share, 0)) };
  }
}
