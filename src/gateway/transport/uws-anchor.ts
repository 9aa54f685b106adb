/**
 * Where upgrades that come later than their request are made on uWebSockets.js. Inside the cork of the response that is
 * upgraded uWS looks at that response once more when it is a socket already, in memory that it has given away, and now
 * and then closes the socket for what it finds there (seen with 3.0.6 under load). Outside of any cork it takes what is
 * written for a mistake and complains on stderr, every time. Inside the cork of another response neither happens: of one
 * that this process asks itself for, and that is never answered.
 */
import { randomUUID } from "node:crypto";
import { connect, type Socket } from "node:net";

/** What is used of uWebSockets.js' responses and app. */
interface UwsResponse {
  onAborted(handler: () => void): unknown;
  cork(work: () => void): unknown;
}
interface UwsApp {
  get(path: string, handler: (res: UwsResponse) => void): unknown;
}

export interface Anchor {
  /** Asks for the response that is never answered. Resolves when it is there; without it `hold` works as well, and noisily. */
  drop(host: string, port: number): Promise<void>;
  hold(work: () => void): void;
  close(): void;
}

export function mountAnchor(app: UwsApp): Anchor {
  const path = `/${randomUUID()}`;
  let held: UwsResponse | null = null;
  let onHeld: (() => void) | null = null;
  let socket: Socket | null = null;
  app.get(path, (res) => {
    res.onAborted(() => {
      if (held === res) held = null;
    });
    held = res;
    onHeld?.();
  });
  return {
    async drop(host, port) {
      const own = connect(port, host);
      socket = own;
      await new Promise<void>((resolve) => {
        onHeld = resolve;
        own.on("error", () => resolve());
        own.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      });
      own.unref();
    },
    hold(work) {
      if (held) held.cork(work);
      else work();
    },
    close: () => void socket?.destroy(),
  };
}
