/** One WebSocket, whichever transport holds it. transport.ts says what both promise. */
import type { CodecName } from "../../protocol/subprotocols.ts";

export interface Connection {
  readonly codec: CodecName;
  /** The client's address, behind proxies that are trusted; IPv4 where it is one. */
  readonly ip: string;
  /** Text goes out as a text frame and bytes as the codec says; after the end of the connection this does nothing. */
  send(frame: string | Uint8Array): void;
  /** As `send`, together with what is published to the connection in this turn of the event loop, where that can be. */
  sendWithPublished(frame: string | Uint8Array): void;
  /** What `work` sends goes out together: one call of the system instead of one per frame. */
  together(work: () => void): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Bytes that wait for the peer to read. */
  buffered(): number;
  /** Says why, and ends after what was sent before. `onClosed` is called in the same turn. */
  end(code: number, reason: string): void;
  /** Ends at once. */
  cut(): void;
}

/** What the gateway hangs on a connection. */
export interface ConnectionHandlers {
  /** `bytes` are valid until this returns. `isBinary`: the peer used a binary frame. */
  onFrame(bytes: Uint8Array, isBinary: boolean): void;
  /** A ping or pong of the WebSocket protocol came. */
  onSign(): void;
  /** Less waits for the peer than before. */
  onDrain(): void;
  /** Called once. `clean`: the peer said goodbye, or we did. */
  onClosed(clean: boolean): void;
}
