/**
 * WebSockets of other APIs on the gateway's port. Their handshakes are judged before they are answered, and what comes
 * after is the API's own: the gateway knows no session of theirs.
 */
import { identified, plain, type RawResponse, statusLine } from "../http/exchange.ts";
import type { RawRequest } from "../http/head.ts";
import type { Connection, ConnectionHandlers } from "./connection.ts";

/** Text goes out as text frames, and bytes as binary ones. */
export type EndpointSocket = Pick<Connection, "send" | "buffered" | "end" | "cut">;
export type EndpointHandlers = Pick<ConnectionHandlers, "onFrame" | "onClosed">;

export interface Endpoint {
  /** Judges a handshake. What is refused gets an HTTP answer. */
  admit(handshake: Handshake): Promise<Admission | Refused>;
  /** The process stops: ends every connection. */
  drain(): void;
}

export interface Handshake {
  /** Path and query. */
  target: string;
  header(name: string): string | undefined;
  ip: string;
}

export interface Admission {
  accept(socket: EndpointSocket): EndpointHandlers;
  /** The client gave up before it was answered. */
  abandon(): void;
}

export interface Refused {
  refused: { status: number; headers: Record<string, string>; body: string };
}

/** Endpoints by the path that each is served on. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** Whether a handshake is accepted, or what answers it instead. Never rejects. */
export async function judge(endpoint: Endpoint, raw: RawRequest): Promise<Admission | RawResponse> {
  const header = (name: string) => raw.headers.find(([given]) => given === name)?.[1];
  try {
    const verdict = await endpoint.admit({ target: raw.target, header, ip: raw.ip });
    if (!("refused" in verdict)) return verdict;
    const { status, headers } = verdict.refused;
    const body = Buffer.from(verdict.refused.body);
    const head = { status: statusLine(status), headers: Object.entries(headers) };
    return identified({ ...head, body, length: body.length, headOnly: false }, raw);
  } catch {
    return identified(plain(500, "The server failed; try again"), raw);
  }
}
