/** One operation on a room as one request of an HTTP API. */
import { type FaceWays, type Way, WELL } from "../authorization/operations.ts";
import type { Room } from "../rooms.ts";
import { type Answer, ask, type Caller, type Site } from "../site.ts";

/** The path, or the path and a JSON body. */
type HttpRequest = string | [path: string, json: unknown];

export interface HttpFace {
  /** Before every path. */
  prefix: string;
  headers(caller: Caller): Record<string, string>;
  /** @returns how the answer refuses, in the words of {@link FaceWays.says}; null when it does not */
  refusal(answer: Answer): string | null;
}

export type HttpWay = (
  method: string,
  /** The path as documents have it. */
  shown: string,
  request: (room: Room, caller: Caller, site: Site) => HttpRequest | Promise<HttpRequest>,
  more?: Omit<Way, "request" | "attempt">,
) => Way;

export function httpWays({ prefix, headers, refusal }: HttpFace): HttpWay {
  return (method, shown, request, more = {}) => ({
    request: `${method} ${shown}`,
    ...more,
    async attempt(caller, room, site) {
      const [path, json] = [await request(room, caller, site)].flat() as [string, unknown?];
      const sent = { headers: headers(caller), ...(json !== undefined && { json }) };
      return refusal(await ask(site.url, method, prefix + path, sent)) ?? WELL;
    },
  });
}

export function refusedStatus({ status }: Answer): string | null {
  return status < 300 ? null : String(status);
}
