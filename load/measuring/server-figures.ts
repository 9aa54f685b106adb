/** What a Causeway tells about itself. */
import { setTimeout as delay } from "node:timers/promises";

const RETRY_MS = 200;

/** The value of a metric without labels; null when the server has none of this name. */
export async function readMetric(url: URL, name: string): Promise<number | null> {
  const answer = await fetch(new URL("/metrics", url));
  if (!answer.ok) return null;
  const text = await answer.text();
  const value = new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1];
  return value === undefined ? null : Number(value);
}

/** Resolves when every part of the server is up, the bridge included. @throws Error with the last answer */
export async function untilReady(url: URL, limitMs: number): Promise<void> {
  let last = "";
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await delay(RETRY_MS)) {
    const answer = await fetch(new URL("/readyz", url));
    if (answer.ok) return;
    last = await answer.text();
  }
  throw new Error(`the server did not become ready: ${last}`);
}
