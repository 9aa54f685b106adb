/** Ids that the client gives to what it makes. */

interface Randomness {
  crypto?: { getRandomValues?(bytes: Uint8Array): Uint8Array };
}

/**
 * An id for `send`, when it has to be known before: 32 hexadecimal digits. They are random bits of `crypto`. Where there is
 * none, as in Hermes, they are the time in ms and 80 bits of `Math.random`: such an id is unique and can be guessed, which is no
 * harm, because an id only names a message among those of its own author. `crypto.randomUUID` is missing on pages that came
 * over plain HTTP from another machine.
 */
export function newMessageId(): string {
  const { crypto } = globalThis as Randomness;
  if (!crypto?.getRandomValues) return hex(Date.now(), 12) + hex(randomBits(), 10) + hex(randomBits(), 10);
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => hex(byte, 2)).join("");
}

/** 40 bits: ten digits. */
function randomBits(): number {
  return Math.floor(Math.random() * 2 ** 40);
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
