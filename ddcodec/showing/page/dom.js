// Elements, and text of a file as it may be shown.

const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text with escapes for all that would not be seen as itself: control codes, marks of direction. */
export function visible(text) {
  return String(text).replace(UNSEEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** An element with properties and children; a child that is text stays text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Text of a file in an element of its own, which reads from left to right whatever it holds. */
export function foreign(text, properties = {}) {
  return element("bdi", properties, visible(text));
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes for people, in powers of 1000: `812 B`, `31.4 kB`, `1.54 MB`. */
export function bytesText(count) {
  let value = count;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  const digits = value >= 99.95 || (unit === 0 && Number.isInteger(value)) ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}\u00a0${UNITS[unit]}`;
}

/** A share 0..1 as percent. */
export function percentText(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`;
}

const NUMBERS = new Intl.NumberFormat("en-US"); // made once: toLocaleString makes one each time

/** A number with its thousands apart. */
export function numberText(count) {
  return NUMBERS.format(count);
}
