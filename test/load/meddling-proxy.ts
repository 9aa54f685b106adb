/** Stands between a server and its clients and may change what the server says on its WebSockets, frame by frame. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { FrameReader, OPCODE } from "../../load/websocket/frames.ts";

export interface MeddlingProxy {
  readonly url: string;
  stop(): Promise<void>;
}

const HEAD_END = "\r\n\r\n";

/** @param meddle what becomes of a text that the server sent: none, one or more */
export async function startMeddlingProxy(
  upstream: string,
  meddle: (text: string) => string[],
): Promise<MeddlingProxy> {
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(Number(port), hostname);
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on("error", () => undefined); // The close that follows ends the other side too.
    }
    client.on("close", () => behind.destroy());
    behind.on("close", () => client.destroy());
    client.pipe(behind);
    behind.on("data", passOn(client, meddle));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** HTTP passes as it is; what follows the answer to an upgrade is read as frames. */
function passOn(client: Socket, meddle: (text: string) => string[]): (chunk: Buffer) => void {
  const reader = new FrameReader();
  let isUpgraded = false;
  const frames = (chunk: Buffer) =>
    reader.read(chunk, 0, chunk.length, (opcode, bytes, start, end) => {
      const text = bytes.toString("utf8", start, end);
      for (const said of opcode === OPCODE.text ? meddle(text) : [text])
        client.write(serverFrame(said, opcode));
    });
  return (chunk) => {
    if (isUpgraded) return frames(chunk);
    const text = chunk.toString("latin1");
    isUpgraded = text.startsWith("HTTP/1.1 101");
    const end = isUpgraded ? text.indexOf(HEAD_END) + HEAD_END.length : chunk.length;
    client.write(chunk.subarray(0, end));
    if (end < chunk.length) frames(chunk.subarray(end));
  };
}

/** A frame as servers write it: without a mask. */
export function serverFrame(payload: string, opcode: number = OPCODE.text, final = true): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | opcode;
  if (head.length === 2) head[1] = body.length;
  else if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, body]);
}
