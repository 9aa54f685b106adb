let last = 0;

/** An id that no other test of this file has. */
export function freshId(): number {
  return ++last;
}
