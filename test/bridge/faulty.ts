/** A homeserver with faults in between: what a real one does not do on demand. */
import type { Homeserver, HttpMethod, RequestOptions } from "../../bridge/homeserver/homeserver.ts";
import { HomeserverError } from "../../bridge/homeserver/homeserver-error.ts";

type Ask = () => Promise<unknown>;
type Fault = (method: HttpMethod, path: string, ask: Ask, options: RequestOptions) => Promise<unknown>;

/** The homeserver with a fault in between. */
export function faulty(homeserver: Homeserver, fault: Fault): Homeserver {
  const request: Homeserver["request"] = async <T>(
    method: HttpMethod,
    path: string,
    options: RequestOptions = {},
  ) => (await fault(method, path, () => homeserver.request(method, path, options), options)) as T;
  return { ...homeserver, request };
}

/** What a killed process does: nothing more, until its end. */
export function never({ signal }: RequestOptions): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new HomeserverError("killed", { status: null }));
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end);
  });
}

export const refusal = (status: number, errcode: string, retryAfterMs?: number) =>
  new HomeserverError(`answered ${status}`, { status, errcode, retryAfterMs: retryAfterMs ?? null });

export const isSend = (path: string) => path.includes("/send/m.room.message/");

/** Sends, and is killed before it learns the answer. `sent` counts; `isIt` tells which request it is. */
export function killedAfterSend(homeserver: Homeserver, sent: { count: number }, isIt = isSend): Homeserver {
  return faulty(homeserver, async (_, path, ask, options) => {
    const answer = await ask();
    if (!isIt(path)) return answer;
    sent.count++;
    return await never(options);
  });
}

/** Nothing is found by looking for what was not delivered. */
export function withoutAudit(homeserver: Homeserver): Homeserver {
  return faulty(homeserver, async (_, path, ask) => {
    if (path.endsWith("/sync")) throw refusal(500, "M_UNKNOWN");
    return await ask();
  });
}

/** The first downloads, as many as `pages`, are answered by a proxy with a page and status 200. */
export function pagesForFiles(homeserver: Homeserver, pages: number): Homeserver {
  let left = pages;
  const stream: Homeserver["stream"] = async (method, path, options) => {
    if (!path.includes("/media/download/") || left === 0)
      return await homeserver.stream(method, path, options);
    left--;
    return new Response("<html><h1>Please wait</h1></html>", { headers: { "content-type": "text/html" } });
  };
  return { ...homeserver, stream };
}
