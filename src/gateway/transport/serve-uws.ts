/** HTTP over uWebSockets.js: its request is gone when its callback returns, and its response when it was aborted. */
import type { HttpDoor } from "../http/door.ts";
import type { RawResponse, StreamedResponse } from "../http/exchange.ts";
import type { RawRequest } from "../http/head.ts";
import { ServedRequest, type Wire } from "../http/served-request.ts";

/** What is used of uWebSockets.js' `HttpRequest` and `HttpResponse`. */
interface UwsRequest {
  getCaseSensitiveMethod(): string;
  getUrl(): string;
  getQuery(): string;
  forEach(each: (name: string, value: string) => void): void;
}
interface UwsResponse {
  onAborted(handler: () => void): unknown;
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  getRemoteAddressAsText(): ArrayBuffer;
  cork(write: () => void): unknown;
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  end(body?: Uint8Array, closeConnection?: boolean): unknown;
  endWithoutBody(length?: number, closeConnection?: boolean): unknown;
  pause(): unknown;
  resume(): unknown;
  tryEnd(chunk: Uint8Array, total: number): [ok: boolean, done: boolean];
  onWritable(handler: (offset: number) => boolean): unknown;
  getWriteOffset(): number;
  close(): unknown;
}

export function addressOf(
  res: Pick<UwsResponse, "getRemoteAddressAsText">,
  req: Pick<UwsRequest, "forEach">,
  { clientAddress }: Pick<HttpDoor, "clientAddress">,
): string {
  const seen: string[] = [];
  // Each proxy may have added a header of its own; uWS would give the first.
  req.forEach((name, value) => {
    if (name === "x-forwarded-for") seen.push(value);
  });
  return clientAddress(Buffer.from(res.getRemoteAddressAsText()).toString(), seen.join(","));
}

export function serveUws(res: UwsResponse, req: UwsRequest, door: HttpDoor): void {
  const raw = copyHead(res, req, door);
  const refusal = door.refusal(raw);
  if (refusal) {
    write(res, refusal, true);
    return;
  }
  const wire = new UwsWire(res, door.enter());
  const served = new ServedRequest(raw, wire, door);
  res.onAborted(() => {
    wire.gone();
    served.gone();
  });
  res.onData((chunk, isLast) => {
    // uWS takes the chunk back when this returns.
    if (chunk.byteLength > 0) served.data(Buffer.from(Buffer.from(chunk)));
    if (isLast) served.ended();
  });
  served.start();
}

/** Must be called before the request's callback returns. */
export function copyHead(
  res: Pick<UwsResponse, "getRemoteAddressAsText">,
  req: UwsRequest,
  door: Pick<HttpDoor, "clientAddress">,
): RawRequest {
  const query = req.getQuery();
  const headers: RawRequest["headers"] = [];
  req.forEach((name, value) => {
    headers.push([name, value]);
  });
  const target = query ? `${req.getUrl()}?${query}` : req.getUrl();
  return { method: req.getCaseSensitiveMethod(), target, headers, ip: addressOf(res, req, door) };
}

export function write(
  res: Pick<UwsResponse, "cork" | "writeStatus" | "writeHeader" | "end" | "endWithoutBody">,
  { status, headers, body, length, headOnly }: RawResponse,
  close: boolean,
): void {
  res.cork(() => {
    res.writeStatus(status);
    for (const [name, value] of headers) res.writeHeader(name, value);
    if (!headOnly) res.end(body, close);
    else if (length > 0) res.endWithoutBody(length, close);
    // An argument that is given counts as a length, also `undefined`.
    else if (close) res.endWithoutBody(0, true);
    else res.endWithoutBody();
  });
}

class UwsWire implements Wire {
  readonly outlivesAnswer = false;
  /** Null once it is gone or answered: uWS forbids its use then. */
  #res: UwsResponse | null;
  readonly #leave: () => void;
  #length = 0;
  /** What comes before the first bytes. */
  #head: ((res: UwsResponse) => void) | null = null;
  #paused = false;
  /** What is being passed, and where it starts in the answer. */
  #chunk: Uint8Array = new Uint8Array();
  #start = 0;
  /** Resolves what waits for the peer. */
  #passed: (() => void) | null = null;

  /** @param leave called once the response is over */
  constructor(res: UwsResponse, leave: () => void) {
    this.#res = res;
    this.#leave = leave;
  }

  flow(go: boolean): void {
    if (go !== this.#paused) return;
    this.#paused = !go;
    if (go) this.#res?.resume();
    else this.#res?.pause();
  }
  end(answer: RawResponse, close: boolean): void {
    this.flow(true);
    if (this.#res) write(this.#res, answer, close);
    this.#over();
  }
  begin({ status, headers, length }: StreamedResponse, close: boolean): void {
    this.flow(true);
    this.#length = length;
    this.#head = (res) => {
      res.writeStatus(status);
      for (const [name, value] of headers) res.writeHeader(name, value);
      if (close) res.writeHeader("connection", "close");
    };
  }
  async pass(chunk: Uint8Array): Promise<void> {
    const res = this.#res;
    if (!res) return;
    // uWS keeps the first handler.
    if (this.#head) res.onWritable((offset) => this.#writable(res, offset));
    this.#chunk = chunk;
    this.#start = this.#head ? 0 : res.getWriteOffset();
    if (this.#write(res, chunk)) return;
    await new Promise<void>((resolve) => {
      this.#passed = resolve;
    });
  }
  finish(): void {}
  cut(): void {
    this.#res?.close();
  }
  gone(): void {
    this.#over();
    this.#goOn();
  }

  #writable(res: UwsResponse, offset: number): boolean {
    if (!this.#passed) return true;
    const isPassed = this.#write(res, this.#chunk.subarray(offset - this.#start));
    if (isPassed) this.#goOn();
    return isPassed;
  }
  /** @returns whether all of it is on its way; uWS keeps nothing of what is not */
  #write(res: UwsResponse, chunk: Uint8Array): boolean {
    let isTaken = false;
    res.cork(() => {
      this.#head?.(res);
      this.#head = null;
      const [ok, isOver] = res.tryEnd(chunk, this.#length);
      isTaken = ok || isOver;
      if (isOver) this.#over();
    });
    return isTaken;
  }
  #over(): void {
    this.#res = null;
    this.#leave();
  }
  #goOn(): void {
    this.#passed?.();
    this.#passed = null;
  }
}
