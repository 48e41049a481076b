/** What tests ask of the reader in a browser. */
import { Artifact, browserDecoder, DdzError, UrlBlob } from "/ddcodec/showing/page/reader/index.js";
import { codecOf } from "/ddcodec/showing/page/reader/codecs/index.js";
import { patchOf } from "/ddcodec/showing/page/reader/codecs/mosaics.js";

const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
const dictionary = async () =>
  new Uint8Array(await (await fetch("/ddcodec/container/header_dictionary.bin")).arrayBuffer());

/** SHA-256 of the images of rows; null where a prior generates them. */
export async function images(url, rows) {
  const blob = await UrlBlob.open(new URL(url, location.href));
  const artifact = await Artifact.open(blob, { dictionary, decoder: browserDecoder });
  const digests = [];
  for (const row of rows) {
    const image = artifact.stored ? await artifact.image(...row) : null;
    digests.push(image && hex(await crypto.subtle.digest("SHA-256", image.data)));
  }
  return digests;
}

/** The patches of a mosaic in nested lists, or the code of its error. */
export async function patches({ codec, version, params, shape, raw }) {
  const bytes = Uint8Array.from(raw.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  try {
    const mosaic = codecOf({ name: codec, version, params }).decode(bytes, shape, params);
    const picture = await mosaic.rgb(browserDecoder);
    return Array.from({ length: shape[0] }, (_, i) => nested(patchOf(picture, mosaic, i)));
  } catch (error) {
    if (error instanceof DdzError) return error.code;
    throw error;
  }
}

const nested = ({ width, height, data }) =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (__, x) => [
      ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
    ]),
  );
