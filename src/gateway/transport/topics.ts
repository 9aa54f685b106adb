/** The topics of the socket layer, for parts that are made before the transport is open. */
import type { Transport } from "./transport.ts";

export class Topics {
  readonly #watcher: { published(bytes: number): void };
  #transport: Pick<Transport, "publish"> | null = null;

  /** @param watcher is told how much was given to topics */
  constructor(watcher: { published(bytes: number): void }) {
    this.#watcher = watcher;
  }

  open(transport: Pick<Transport, "publish">): void {
    this.#transport = transport;
  }

  /** One frame to all connections that are subscribed: nobody before the transport is open. */
  publish(topic: string, frame: string | Uint8Array, isBinary: boolean): void {
    this.#transport?.publish(topic, frame, isBinary);
    this.#watcher.published(frame.length);
  }
}
