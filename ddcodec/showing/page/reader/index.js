/**
 * A reader of `.ddz` files for browsers and Node, written from spec/ alone: docs/javascript.md says
 * how it is used, and what of it is exact.
 */
export { Artifact } from "./artifact.js";
export { FileBlob, MemoryBlob, UrlBlob } from "./blob.js";
export { Container } from "./container/container.js";
export { LIMITS } from "./container/limits.js";
export { browserDecoder } from "./browser.js";
export { DdzError } from "./errors.js";
