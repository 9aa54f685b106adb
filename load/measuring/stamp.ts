/** The time at which a message was meant to be sent travels at the end of its text: `…~000123456789012`, in µs. */

const MARK = 0x7e;
const DIGITS = 15;
const ZERO = 0x30;
/** What may follow the stamp: the closing characters of a frame. */
const REACH = 32;

/** Least length of a stamped text. */
const STAMP_LENGTH = DIGITS + 1;

/** A text of `length` characters (at least {@link STAMP_LENGTH}) that ends with the stamp. */
export function stampedText(filler: string, atMs: number): string {
  return `${filler}~${String(Math.round(atMs * 1000)).padStart(DIGITS, "0")}`;
}

export function fillerFor(length: number): string {
  return "m".repeat(Math.max(0, length - STAMP_LENGTH));
}

/** The stamp of a text in milliseconds, or NaN when it has none. */
export function stampOf(text: unknown): number {
  const bytes = Buffer.from(String(text));
  return readStamp(bytes, 0, bytes.length);
}

/** The stamp near the end of `bytes[start..end)` in milliseconds, or NaN when there is none. */
export function readStamp(bytes: Buffer, start: number, end: number): number {
  const least = Math.max(start, end - REACH);
  let at = end - STAMP_LENGTH;
  while (at >= least && bytes[at] !== MARK) at--;
  if (at < least) return Number.NaN;
  let value = 0;
  for (let n = at + 1; n <= at + DIGITS; n++) {
    const digit = (bytes[n] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value / 1000;
}
