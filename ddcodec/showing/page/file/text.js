/** Numbers and values as the package says them, so that a page reads alike with a server and without. */

/** A number with so many digits after the point; ties go to the even digit, as Python's do. */
export function fixed(value, digits) {
  const [whole, fraction] = value.toFixed(60).split(".");
  const kept = `${whole}${digits ? "." : ""}${fraction.slice(0, digits)}`;
  const tie = /^50*$/.test(fraction.slice(digits));
  return tie && Number(kept.at(-1)) % 2 === 0 ? kept : value.toFixed(digits);
}

/** An integer, or a number with so many digits after the point, with commas between thousands. */
export function grouped(value, digits = 0) {
  const [whole, fraction] = fixed(value, digits).split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? parted : `${parted}.${fraction}`;
}

/** A number of so many significant digits, without zeros at its end. */
export function general(value, digits = 6) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power >= -4 && power < digits) return bare(value.toFixed(digits - 1 - power));
  return `${bare(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

const UNITS = ["kB", "MB", "GB", "TB"];

/** Bytes in powers of 1000: `812 B`, `31.4 kB`. */
export function bytesText(count) {
  let [value, unit] = [count, "B"];
  for (const larger of UNITS) {
    if (value < 999.5) break;
    [value, unit] = [value / 1000, larger];
  }
  if (unit === "B") return `${count} B`;
  return `${fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/** A value of the header's info as one line of text; bytes in hexadecimal. */
export function flatText(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value instanceof Uint8Array) return Array.from(value, (b) => b.toString(16).padStart(2, "0")).join("");
  if (Array.isArray(value)) return value.map(flatText).join(" ");
  if (typeof value === "object")
    return ascending(value)
      .map((key) => `${key} ${flatText(value[key])}`)
      .join(", ");
  return String(value);
}

/** The keys of a map in the order of the file, which objects do not keep where keys are numbers. */
export function ascending(map) {
  const points = (text) => Array.from(text, (c) => c.codePointAt(0));
  return Object.keys(map).sort((a, b) => {
    const [x, y] = [points(a), points(b)];
    const i = x.findIndex((point, at) => point !== y[at]);
    return i < 0 ? x.length - y.length : x[i] - (y[i] ?? -1);
  });
}

/** A text in quotation marks. */
export function quoted(text) {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(
    /[\\\n\r\t]/g,
    (c) => ({ "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" })[c],
  );
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}`;
}
