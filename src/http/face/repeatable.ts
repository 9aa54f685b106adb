/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST with this header is carried out once, also when it
 * is repeated. Handlers create objects under the id of {@link repeatId}.
 */
import type { MiddlewareHandler } from "hono";
import { isRepeatKey, type Repeats } from "../../domain/context/repeats.ts";
import { badField } from "../../domain/errors.ts";
import { derivedPublicId } from "../../domain/ids.ts";
import type { Principal } from "../../domain/model.ts";
import type { HttpContext, HttpEnv } from "./face.ts";

const HEADER = "Idempotency-Key";

/** The paragraph about it in an API's description. */
export const REPEATABLE =
  "A POST with an Idempotency-Key (1 to 255 visible ASCII characters, one for each request) may be repeated for 24 hours: " +
  "what it makes is made once, and the answer shows it as it is by then. One that is repeated while the first is under way gets " +
  "the same answer, or 409 with Retry-After. The same key with another body is 422.";

interface RepeatableOptions {
  /** The room in the body, within which the key counts; "" where the path names everything. */
  roomIn?(body: string): string;
  /** The body is not compared: the key alone identifies the request. */
  bodyless?: boolean;
}

/** Register it after the authentication and, unless `bodyless`, after the bound on bodies. */
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

/** The id for the object that the request creates; undefined without an `Idempotency-Key`. */
export function repeatId(c: HttpContext): string | undefined {
  return c.get("repeatId");
}

/** The public id for the room that the request makes; empty without an `Idempotency-Key`. */
export function repeatedRoom(c: HttpContext): { publicId?: string } {
  const id = repeatId(c);
  return id === undefined ? {} : { publicId: derivedPublicId(`room of request ${id}`) };
}

/** The key. As a string of structured headers it is quoted; a key without quotes means the same. */
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
