/** The browser's own decoder of WebP and AVIF, without its colour management. */
import { DdzError } from "./errors.js";

/** @type {import("./codecs/mosaics.js").Decoder} */
export async function browserDecoder(file, type) {
  let bitmap;
  try {
    const blob = new Blob([file], { type });
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new DdzError("payload", `this browser does not decode a picture of ${type}`);
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}
