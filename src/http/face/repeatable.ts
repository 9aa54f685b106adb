/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that was sent with it is carried out once, however
 * often it is repeated. Handlers make what they make under the id of {@link repeatId}.
 */
import type { MiddlewareHandler } from "hono";
import { isRepeatKey, type Repeats } from "../../domain/context/repeats.ts";
import { badField } from "../../domain/errors.ts";
import { derivedPublicId } from "../../domain/ids.ts";
import type { Principal } from "../../domain/model.ts";
import type { HttpContext, HttpEnv } from "./face.ts";

const HEADER = "Idempotency-Key";

/** For the description of an API. */
export const REPEATABLE =
  "A POST with an Idempotency-Key (1 to 255 visible ASCII characters, one for each request) may be repeated for 24 hours: " +
  "what it makes is made once, and the answer shows it as it is by then. One that is repeated while the first is under way gets " +
  "the same answer, or 409 with Retry-After. The same key with another body is 422.";

interface RepeatableOptions {
  /** Keys count within a room; "" where the path says all. */
  roomIn?(body: string): string;
  /** The body is not looked at: the key alone says which request it is. */
  bodyless?: boolean;
}

/** Register it behind the authentication, and behind what bounds bodies unless `bodyless`. */
export function repeatable(
  repeats: Pick<Repeats, "begin">,
  { roomIn = () => "", bodyless = false }: RepeatableOptions = {},
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const key = c.req.method === "POST" ? keyOf(c) : null;
    if (key === null) return await next();
    const body = bodyless ? "" : await c.req.text();
    const scope = `POST ${c.req.path} ${roomIn(body)}`;
    const { id, failed } = await repeats.begin({ caller: callerOf(c.get("principal")), scope, key, body });
    c.set("repeatId", id);
    await next();
    if (c.res.status >= 400 && c.res.status < 500) await failed();
  };
}

/** What a request makes is made under this id, when it may be repeated. */
export function repeatId(c: HttpContext): string | undefined {
  return c.get("repeatId");
}

/** The public id of the room that a request makes, when it may be repeated. */
export function repeatedRoom(c: HttpContext): { publicId?: string } {
  const id = repeatId(c);
  return id === undefined ? {} : { publicId: derivedPublicId(`room of request ${id}`) };
}

/** A string of structured headers stands in quotes; clients that send it bare mean the same. */
function keyOf(c: HttpContext): string | null {
  const sent = c.req.header(HEADER);
  if (sent === undefined) return null;
  const key = /^"(.*)"$/.exec(sent)?.[1] ?? sent;
  if (!isRepeatKey(key)) throw badField(HEADER, "must be 1 to 255 visible ASCII characters");
  return key;
}

function callerOf(principal: Principal): string {
  return principal.kind === "user" ? `u:${principal.user.id}` : `o:${principal.organization.id}`;
}
