/** Ids that the client gives to what it makes. */

interface Randomness {
  crypto?: { getRandomValues?(bytes: Uint8Array): Uint8Array };
}

/**
 * An id for `send`, when it has to be known before: 32 hexadecimal digits. They are random bits of `crypto`. Where there is
 * none, as in Hermes, they are those of `Math.random`: such an id is unique and can be guessed, which is no harm, because an id
 * only names a message among those of its own author. `crypto.randomUUID` is missing on pages that came over plain HTTP from
 * another machine.
 */
export function newMessageId(): string {
  const bytes = new Uint8Array(16);
  const { crypto } = globalThis as Randomness;
  if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else
    bytes.forEach((_, n) => {
      bytes[n] = Math.random() * 256;
    });
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
