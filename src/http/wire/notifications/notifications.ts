/**
 * `/notifications`: notifications of the caller's conversations since an earlier one; and `/await` for requests without an
 * upgrade to WebSocket. await.ts handles upgrades.
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { JournalPlace, User } from "../../../domain/model.ts";
import { type HttpApp, json } from "../../face/face.ts";
import { intText, text, time } from "../../requests/fields.ts";
import { callerOf, type WireParts } from "../common/parts.ts";
import { notificationEventSchema } from "../shapes/events.ts";
import { notFound, PROTECTED, WireRefusal, wireError } from "../shapes/failures.ts";
import { uuid } from "../shapes/kinds.ts";
import { isTransient, notificationPlace } from "../shapes/notification-ids.ts";
import { createTranslation } from "./translation.ts";

/** Events of one query. */
const MIN_READ = 100;
/** About the most events of one act, so that the newest notification is complete. */
const NEWEST_READ = 500;

const notification = z
  .object({ id: z.uuid(), payload: z.array(notificationEventSchema) })
  .openapi("Notification");

const ROUTES = {
  await: createRoute({
    method: "get",
    path: "/await",
    summary: "Live notifications, over a WebSocket",
    description:
      "One binary frame a notification: `{id, transient, payload: [event]}` in JSON. The access token comes in the Authorization header or as `access_token`.",
    security: [],
    request: {
      query: z.object({ access_token: text(4_096).optional(), client: text(256).optional() }),
    },
    responses: {
      101: { description: "Notifications follow" },
      426: json(wireError, "request-error: it is no handshake of a WebSocket"),
      ...PROTECTED,
    },
  }),
  list: createRoute({
    method: "get",
    path: "/notifications",
    summary: "What happened since a notification, oldest first, page by page",
    request: {
      query: z.object({
        since: uuid()
          .optional()
          .openapi({ description: "A notification's id, exclusive; everything that is kept without it" }),
        size: intText({ min: 1, max: 10_000, fallback: 1_000 }),
        client: text(256).optional(),
      }),
    },
    responses: {
      200: json(
        z.object({
          notifications: z.array(notification),
          has_more: z.boolean(),
          time: z.iso.datetime().openapi({ description: "The server's" }),
        }),
        "A page. Typing is not kept",
      ),
      ...notFound(
        "not-found: since is no notification's id, or is of a log that was lost with a restore of the database. Read all conversations anew, and go on without since",
      ),
      ...PROTECTED,
    },
  }),
  last: createRoute({
    method: "get",
    path: "/notifications/last",
    summary: "The newest notification: who has just read everything else goes on from it",
    request: { query: z.object({ client: text(256).optional() }) },
    responses: {
      200: json(notification, "The notification"),
      ...notFound("not-found: there is none"),
      ...PROTECTED,
    },
  }),
};

/** Needs no authentication: it only says that an upgrade is needed. */
export function registerUpgrade(app: HttpApp): void {
  app.openapi(ROUTES.await, (c) => {
    const message = "Connect with a WebSocket client";
    return c.json({ code: 426, label: "request-error", message }, 426, { Upgrade: "websocket" });
  });
}

export function registerNotifications(
  app: HttpApp,
  parts: WireParts<"clock" | "connections" | "finding" | "journal" | "profiles">,
): void {
  const translate = createTranslation(parts);

  app.openapi(ROUTES.list, async (c) => {
    const { user } = callerOf(c);
    const { since, size } = c.req.valid("query");
    const after = since === undefined ? null : await placeOf(user, since);
    const horizon = await parts.useCases.journal.horizon();
    const { notifications, more } = await page(user, after, { horizon, size });
    return c.json({ notifications, has_more: more, time: time(parts.useCases.clock.now()) }, 200);
  });

  app.openapi(ROUTES.last, async (c) => {
    const found = await newest(callerOf(c).user);
    if (!found) throw new WireRefusal(404, "not-found", "There is no notification yet");
    return c.json(found, 200);
  });

  /** @throws WireRefusal `not-found`, after which clients load their conversations again */
  async function placeOf(user: User, since: string): Promise<JournalPlace> {
    const after = notificationPlace(since);
    const isKnown =
      after && (isTransient(after) || (await parts.useCases.journal.knows({ userId: user.id, after })));
    if (!isKnown)
      throw new WireRefusal(404, "not-found", "since is no notification's id; read everything anew");
    return after;
  }

  async function newest(user: User) {
    const reader = { userId: user.id, after: null };
    for (let horizon = await parts.useCases.journal.horizon(); ; ) {
      const page = { horizon, limit: NEWEST_READ, newest: true };
      const [events = []] = await parts.useCases.journal.pages([reader], page);
      const [notifications = []] = await translate([{ user, events }]);
      const [first] = events;
      if (notifications.length > 0 || !first || events.length < NEWEST_READ) return notifications.at(-1);
      horizon = first.at;
    }
  }

  /** A page. Not every event makes a notification, but a page with more after it is never empty. */
  async function page(
    user: User,
    after: JournalPlace | null,
    { horizon, size }: { horizon: number; size: number },
  ) {
    const limit = Math.max(size, MIN_READ);
    for (let place = after; ; ) {
      const reader = { userId: user.id, after: place };
      const [events = []] = await parts.useCases.journal.pages([reader], { horizon, limit });
      const [notifications = []] = await translate([{ user, events }]);
      const atEnd = events.length < limit;
      if (notifications.length > 0 || atEnd) {
        return { notifications: notifications.slice(0, size), more: notifications.length > size || !atEnd };
      }
      place = events.at(-1) ?? null;
    }
  }
}
