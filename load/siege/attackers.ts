/** The attackers of `siege`, in a process of their own. They come from loopback addresses of their own, as strangers do. */
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { WebSocket } from "ws";

export interface Attack {
  /** `http://localhost:…` of the proxy. */
  url: string;
  /** A personal access token of somebody who may read the file. */
  token: string;
  /** Path of a large file. */
  file: string;
  docs: number;
  spaces: number;
  downloads: number;
  uploads: number;
  junkTokens: number;
}

/** What came of it, by kind and status. */
export type Answers = Record<string, number>;

const SPACES = 15_000;
const UPLOAD_BYTES = 24 * 2 ** 20;
const RETRY_MS = 200;
const SIP_BYTES = 1_024;
const SIP_EVERY_MS = 250;

const answers: Answers = {};
let isOver = false;

function count(kind: string, what: string | number): void {
  const key = `${kind} ${what}`;
  answers[key] = (answers[key] ?? 0) + 1;
}

function addressOf(kind: number, n: number): string {
  return `127.${kind}.${Math.floor(n / 250)}.${1 + (n % 250)}`;
}

/** Asks again and again, over one connection. */
function ask(
  attack: Attack,
  kind: string,
  localAddress: string,
  path: string,
  headers: Record<string, string>,
): void {
  const { port, hostname } = new URL(attack.url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const next = () => {
    if (isOver) return;
    const asked = request({
      host: "127.0.0.1",
      port,
      path,
      agent,
      localAddress,
      headers: { host: `${hostname}:${port}`, ...headers },
    });
    asked.once("response", (answer) => {
      count(kind, answer.statusCode ?? 0);
      answer.resume().once("close", next);
    });
    asked.once("error", () => {
      count(kind, "cut off");
      setTimeout(next, RETRY_MS);
    });
    asked.end();
  };
  next();
}

/** Reads a little now and then, and asks again when it is over. */
function sip(attack: Attack, n: number): void {
  const { port, host } = new URL(attack.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress: addressOf(3, n) });
  let isAnswered = false;
  socket.write(
    `GET ${attack.file} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${attack.token}\r\n\r\n`,
  );
  socket.pause();
  const sipping = setInterval(() => {
    const sipped: Buffer | null = socket.read(Math.min(SIP_BYTES, socket.readableLength));
    if (sipped === null || isAnswered) return;
    isAnswered = true;
    count("downloads", sipped.toString("latin1").split(" ")[1] ?? "nothing");
  }, SIP_EVERY_MS);
  again(socket, "downloads", sipping, () => sip(attack, n));
}

/** Says that much will come, and stops. */
function stall(attack: Attack, n: number): void {
  const { port, host } = new URL(attack.url);
  const socket = connect({ host: "127.0.0.1", port: Number(port), localAddress: addressOf(4, n) });
  const head = `POST /v1/attachments HTTP/1.1\r\nHost: ${host}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`;
  socket.write(`${head}--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nx`);
  socket.once("data", (answer) => count("uploads", answer.toString("latin1").split(" ")[1] ?? "nothing"));
  again(socket, "uploads", undefined, () => stall(attack, n));
}

function again(
  socket: ReturnType<typeof connect>,
  kind: string,
  timer: NodeJS.Timeout | undefined,
  next: () => void,
): void {
  socket.on("error", () => count(kind, "cut off"));
  socket.once("close", () => {
    clearInterval(timer);
    if (!isOver) setTimeout(next, RETRY_MS);
  });
}

/** Says hello with a token whose key only the issuer knows, who does not answer. */
function junkHello(attack: Attack, n: number): void {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "RS256", kid: `k${n}` })}.${part({ sub: "x", exp: 4e9 })}.${"A".repeat(342)}`;
  const socket = new WebSocket(`${attack.url.replace("http", "ws")}/ws`, "causeway.v1.json", {
    localAddress: addressOf(5, n),
  });
  socket.on("open", () => socket.send(JSON.stringify({ op: "hello", ref: 1, token })));
  socket.on("error", () => undefined);
  socket.once("close", (code) => {
    count("hellos", code);
    if (!isOver) setTimeout(() => junkHello(attack, n), RETRY_MS);
  });
}

process.on("message", (message: Attack | "end") => {
  if (message === "end") {
    isOver = true;
    process.send?.(answers, () => process.exit());
    return;
  }
  const each = (many: number, start: (n: number) => void) => {
    for (let n = 0; n < many; n++) start(n);
  };
  each(message.docs, (n) => ask(message, "docs", addressOf(1, n), "/docs", {}));
  const authorization = `Bearer x${" ".repeat(SPACES)}y`;
  each(message.spaces, (n) => ask(message, "spaces", addressOf(2, n), "/v1/contacts", { authorization }));
  each(message.downloads, (n) => sip(message, n));
  each(message.uploads, (n) => stall(message, n));
  each(message.junkTokens, (n) => junkHello(message, n));
});
process.once("disconnect", () => process.exit(1));
