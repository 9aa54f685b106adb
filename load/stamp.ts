/** The time at which a message was meant to be sent travels at the end of its text: `…~000123456789012`, in µs. */

const MARK = 0x7e;
const DIGITS = 15;
const ZERO = 0x30;
/** The stamp is followed by a few closing characters of the frame, and by a field or two in some dialects. */
const REACH = 96;

/** Least length of a stamped text. */
export const STAMP_LENGTH = DIGITS + 1;

/** A text of `length` characters (at least {@link STAMP_LENGTH}) that ends with the stamp. */
export function stampedText(filler: string, atMs: number): string {
  return `${filler}~${String(Math.round(atMs * 1000)).padStart(DIGITS, "0")}`;
}

export function fillerFor(length: number): string {
  return "m".repeat(Math.max(0, length - STAMP_LENGTH));
}

/** The stamp of a frame in milliseconds, or NaN when it holds none. */
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
