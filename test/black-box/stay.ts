/** A client that behaves as an app does: it comes back and resumes after every loss of its connection. */
import { setTimeout as delay } from "node:timers/promises";
import { type Closed, type Ready, Refused, type SocketClient } from "./socket-client.ts";

export interface Stay {
  readonly client: SocketClient;
  /** How each connection ended. */
  readonly closes: readonly Closed[];
  /** The answer to each hello but the first. */
  readonly resumes: readonly Ready[];
  leave(): Promise<void>;
}

const RETRY_MS = 50;

/** Connects, and stays connected until `leave`. */
export async function stay(client: SocketClient, url: string): Promise<Stay> {
  const closes: Closed[] = [];
  const resumes: Ready[] = [];
  let leaving = false;

  const comeBack = async () => {
    while (!leaving) {
      try {
        resumes.push(await client.connect(url));
        return;
      } catch (error) {
        // A server that is starting may be unavailable; anything else that it refuses is a fault of its.
        if (error instanceof Refused && !error.retry) client.faults.push(`hello: ${error.message}`);
        await delay(RETRY_MS);
      }
    }
  };
  const keep = async () => {
    while (!leaving) {
      const closed = await client.closed;
      if (leaving) return;
      if (closed.code >= 4500) client.faults.push(`closed for good with ${closed.code} ${closed.reason}`);
      closes.push(closed);
      await comeBack();
    }
  };

  await client.connect(url);
  const kept = keep();
  return {
    client,
    closes,
    resumes,
    leave: async () => {
      leaving = true;
      await client.drop();
      await kept;
    },
  };
}
