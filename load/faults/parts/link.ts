/** A TCP connection between two parts that can be cut, stalled, slowed, or answered with nonsense. All on loopback. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type LinkState =
  | { name: "open" }
  /** Connections are ended and refused. */
  | { name: "cut" }
  /** Connections stay and are taken, and nothing passes. */
  | { name: "stalled" }
  /** Everything comes so much later. */
  | { name: "slow"; ms: number }
  /** Every request of a new connection is answered with these bytes, and the connection ends. */
  | { name: "nonsense"; answer: string }
  /** Answers end in the middle. */
  | { name: "half" };

export interface Link {
  readonly name: string;
  readonly port: number;
  set(state: LinkState): void;
  stop(): Promise<void>;
}

interface Pair {
  client: Socket;
  behind: Socket;
}

const HALF_BYTES = 40;

/** @param target asked for each connection, so that an address may move; null: refused */
export async function openLink(name: string, target: () => number | null): Promise<Link> {
  let state: LinkState = { name: "open" };
  const pairs = new Set<Pair>();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => undefined); // The close that follows ends the other side too.
    if (state.name === "cut") return client.destroy();
    if (state.name === "nonsense") return answer(client, state.answer);
    const port = target();
    if (port === null) return client.destroy();
    const behind = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    behind.on("error", () => undefined);
    const pair = { client, behind };
    pairs.add(pair);
    for (const socket of [client, behind]) socket.setNoDelay(true);
    pass(client, behind, () => state);
    pass(behind, client, () => state, true);
    client.once("close", () => behind.destroy());
    behind.once("close", () => {
      pairs.delete(pair);
      client.destroy();
    });
    if (state.name === "stalled") stall(pair);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const end = () => {
    for (const { client, behind } of pairs) {
      client.destroy();
      behind.destroy();
    }
  };
  return {
    name,
    port: (server.address() as AddressInfo).port,
    set: (next) => {
      state = next;
      if (next.name === "stalled") for (const pair of pairs) stall(pair);
      else if (next.name === "open" || next.name === "slow") for (const pair of pairs) flow(pair);
      // Kept connections would not notice.
      else end();
    },
    stop: async () => {
      server.close();
      end();
    },
  };
}

function pass(from: Socket, to: Socket, state: () => LinkState, isAnswer = false): void {
  let passed = 0;
  from.on("data", (chunk: Buffer) => {
    const now = state();
    if (now.name === "half" && isAnswer) {
      to.end(chunk.subarray(0, Math.max(0, HALF_BYTES - passed)));
      passed += chunk.length;
    } else if (now.name === "slow") setTimeout(() => forward(to, chunk), now.ms);
    else if (!forward(to, chunk)) {
      from.pause();
      to.once("drain", () => from.resume());
    }
  });
  from.on("end", () => {
    const now = state();
    setTimeout(() => to.end(), now.name === "slow" ? now.ms : 0);
  });
}

function forward(to: Socket, chunk: Buffer): boolean {
  return to.destroyed || to.writableEnded || to.write(chunk);
}

function stall({ client, behind }: Pair): void {
  client.pause();
  behind.pause();
}

function flow({ client, behind }: Pair): void {
  client.resume();
  behind.resume();
}

/** Answers as soon as something was asked. */
function answer(client: Socket, text: string): void {
  client.once("data", () => client.end(text));
}
