/** The part of WebSocket that the client uses. Browsers have it built in; the `ws` package has it for Node. */

export interface Socket {
  binaryType: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { code: number; reason: string }) => void): void;
}

export type SocketConstructor = new (url: string, subprotocol: string) => Socket;

/** The WebSocket of this platform. @throws Error where there is none, as in Node before 22: pass that of the `ws` package */
export function platformSocket(): SocketConstructor {
  const found = (globalThis as { WebSocket?: unknown }).WebSocket;
  if (found === undefined) throw new Error("there is no WebSocket here: pass that of the ws package");
  return found as SocketConstructor;
}
