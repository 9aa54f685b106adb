/** The endpoints that the homeserver calls (Matrix, Application Service API v1.15). */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Logger } from "../../src/logger.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Inbox } from "./inbox.ts";

export interface AppserviceOptions {
  hsToken: string;
  ghosts: Ghosts;
  inbox: Inbox;
  /** Takes what is not kept, such as receipts; it must not throw. */
  live: { receive(events: readonly unknown[]): void };
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

/** Answers `/_matrix/app/v1/…`. Delivered events are stored before the answer 200. */
export function createAppservice(options: AppserviceOptions): (request: Request) => Promise<Response> {
  const { ghosts, inbox, live, counts, logger } = options;

  async function transaction(request: Request): Promise<Response> {
    const { events, ephemeral } = bodyOf(await request.text());
    if (!events) return matrixError(400, "M_BAD_JSON", "The body must be JSON with an array of events");
    counts.transactions++;
    try {
      await inbox.receive(events);
    } catch (error) {
      // After this answer the homeserver delivers the events again.
      logger.warn(
        { event: "bridge.inbox_failed", err: error },
        "could not store events from the homeserver; it delivers them again",
      );
      return matrixError(503, "M_UNKNOWN", "The events could not be stored; deliver them again");
    }
    // After the events: receipts are about them.
    live.receive(ephemeral);
    return json(200, {});
  }

  return async (request) => {
    if (!isAuthorized(request, options.hsToken)) {
      return matrixError(403, "M_FORBIDDEN", "The hs_token of the registration is needed as a bearer token");
    }
    const [, kind, id, ...more] = pathOf(request);
    if (more.length > 0) return unknown();
    switch (kind) {
      case "transactions":
        return id && request.method === "PUT" ? await transaction(request) : unknown();
      case "ping":
        return id === undefined && request.method === "POST" ? json(200, {}) : unknown();
      case "users":
        // The bridge makes its accounts before they are needed. The homeserver holds events back until this answer, so
        // there is no look-up here.
        return ghosts.read(id ?? "")?.kind === "bot" ? json(200, {}) : notFound("There is no such user");
      case "rooms":
        return notFound("There is no such room");
      default:
        return unknown();
    }
  };
}

/** `["v1", kind, id?]`, decoded. Paths from before Matrix v1.4, without `/_matrix/app/v1`, are unknown here. */
function pathOf(request: Request): string[] {
  const { pathname } = new URL(request.url);
  const [, rest] = /^\/_matrix\/app\/(v1\/.*)$/.exec(pathname) ?? [];
  try {
    return (rest ?? "").split("/").map(decodeURIComponent);
  } catch {
    return []; // A broken escape: no path of ours.
  }
}

function isAuthorized(request: Request, hsToken: string): boolean {
  const given = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), digest(hsToken));
}

/** A hash, because the comparison in constant time needs equal lengths. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Ephemeral events come under two names (the second: before Matrix 1.13), of which a homeserver may use both. */
function bodyOf(body: string): { events: unknown[] | null; ephemeral: unknown[] } {
  try {
    const fields = JSON.parse(body) as Record<string, unknown>;
    const ephemeral = fields.ephemeral ?? fields["de.sorunome.msc2409.ephemeral"];
    return {
      events: Array.isArray(fields.events) ? fields.events : null,
      ephemeral: Array.isArray(ephemeral) ? ephemeral : [],
    };
  } catch {
    return { events: null, ephemeral: [] };
  }
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
}

function matrixError(status: number, errcode: string, error: string): Response {
  return json(status, { errcode, error });
}

function unknown(): Response {
  return matrixError(404, "M_UNRECOGNIZED", "There is no such path, or not with this method");
}

function notFound(error: string): Response {
  return matrixError(404, "M_NOT_FOUND", error);
}
