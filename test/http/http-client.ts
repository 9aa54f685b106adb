/** Calls a fetch handler in process, the way a client would over the network. */
import type { HttpHandler, RequestInfo } from "../../src/http/face/face.ts";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Of a JSON answer; undefined for any other. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any;
}

export interface Call {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, as application/json unless the headers say otherwise. */
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  info?: Partial<RequestInfo>;
  origin?: string;
}

const ORIGIN = "http://127.0.0.1:8080";

export type Client = (method: string, path: string, call?: Call) => Promise<Answer>;

export function clientOf(handler: HttpHandler): Client {
  return async (method, path, { headers = {}, json, body, info, origin = ORIGIN } = {}) => {
    const sent = json === undefined ? body : JSON.stringify(json);
    const request = new Request(origin + path, {
      method,
      headers: { ...(sent !== undefined && { "content-type": "application/json" }), ...headers },
      ...(sent !== undefined && { body: sent, duplex: "half" }),
    } as RequestInit);
    const response = await handler(request, { ip: "192.0.2.1", ...info });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
}
