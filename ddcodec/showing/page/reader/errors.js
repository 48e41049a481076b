/**
 * The one class of errors that the reader throws, with the stable codes of spec/ddz.md, section 10.
 *
 * Besides those of the specification there are `request` (what was asked for is not in the table),
 * `transport` (bytes could not be fetched) and `not-rendered` (a decoder would be needed that this
 * reader has not: pictures that a prior generates, labels that a stored teacher computes).
 */
export class DdzError extends Error {
  /**
   * @param {string} code
   * @param {string} message what is wrong, and where possible what to do next
   */
  constructor(code, message) {
    super(message);
    this.name = "DdzError";
    /** @type {string} */
    this.code = code;
  }
}

/**
 * Throws a DdzError where `condition` does not hold.
 * @param {boolean} condition
 * @param {string} code
 * @param {string} message
 */
export function require(condition, code, message) {
  if (!condition) throw new DdzError(code, message);
}
