/** How many sends are due so long after the start of a schedule that ends at `endMs`: the first at once, none at the end. */
export function dueSends(ratePerSecond: number, elapsedMs: number, endMs: number): number {
  if (elapsedMs >= endMs) return Math.ceil((endMs * ratePerSecond) / 1000);
  return elapsedMs < 0 || ratePerSecond === 0 ? 0 : Math.floor((elapsedMs * ratePerSecond) / 1000) + 1;
}
