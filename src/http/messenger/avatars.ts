/**
 * Pictures of rooms. Their URLs need no authentication, and only people who may see the room get them. A URL ends when the
 * room is deleted or gets another picture. The headers keep browsers from running anything in a picture.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError } from "../../domain/errors.ts";
import type { Chatrooms } from "../../domain/use-cases/chatrooms.ts";
import { type HttpApp, json } from "../face/face.ts";
import { messengerError, REFUSALS } from "./failures.ts";

/** A picture never changes under its URL, but it ends: shared caches may not keep it, and browsers only for a short time. */
const HEADERS = {
  "Cache-Control": "private, max-age=3600, immutable",
  "Content-Security-Policy": "default-src 'none'; sandbox",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

export function registerAvatars(app: HttpApp, chatrooms: Pick<Chatrooms, "picture">): void {
  app.openapi(ROUTE, async (c) => {
    const { avatarID } = c.req.valid("param");
    const image = await chatrooms.picture(avatarID);
    if (!image) throw new DomainError("not_found", "There is no such avatar", { field: "avatarID" });
    return c.body(Uint8Array.from(image.bytes), 200, { ...HEADERS, "Content-Type": image.mime });
  });
}

const ROUTE = createRoute({
  method: "get",
  path: "/avatars/{avatarID}",
  summary: "A chatroom's picture, without authentication",
  security: [],
  request: { params: z.object({ avatarID: z.string() }) },
  responses: {
    200: {
      description: "The picture",
      content: { "image/*": { schema: z.string().openapi({ format: "binary" }) } },
    },
    404: json(messengerError, "There is no such picture"),
    429: REFUSALS[429],
    500: REFUSALS[500],
    503: REFUSALS[503],
  },
});
