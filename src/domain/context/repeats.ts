/**
 * Idempotent requests: a client that got no answer repeats the request under the same key. A request creates objects under
 * an id that belongs to its key, so a repetition finds them and creates nothing twice.
 */
import { createHash, createHmac } from "node:crypto";
import { DomainError } from "../errors.ts";
import { type Actor, memberKey, type Room } from "../model.ts";
import type { Context } from "./context.ts";

const MAX_KEY_CHARACTERS = 255;

export interface RepeatableRequest {
  /** The caller. Keys of different callers are independent. */
  caller: string;
  /** The operation and the room. Keys of different scopes are independent. */
  scope: string;
  /** The client's key, 1–255 characters. */
  key: string;
  /** The body, to tell a repetition from another request under the same key. */
  body: string;
}

export interface Repeats {
  /**
   * Remembers the request for 24 hours.
   * @returns `id`, the same for a repetition; `failed` forgets the request after a refusal, so that a corrected request
   *   can use the key
   * @throws KeyReused when the key was used for another request
   */
  begin(request: RepeatableRequest): Promise<{ id: string; failed(): Promise<void> }>;
  /** Runs `work` with the id of the request, and forgets the request when `work` is refused. */
  run<T>(request: RepeatableRequest, work: (id: string) => Promise<T>): Promise<T>;
}

/** The refusal of a key that was used for another request. */
export class KeyReused extends DomainError {
  constructor() {
    super(
      "conflict",
      "The key was used for another request within 24 hours; give each request a key of its own",
    );
    this.name = "KeyReused";
  }
}

export function createRepeats({ store, bestEffort }: Pick<Context, "store" | "bestEffort">): Repeats {
  const begin: Repeats["begin"] = async ({ caller, scope, key, body }) => {
    const name = createHash("sha256")
      .update(JSON.stringify([caller, scope, key]))
      .digest();
    const request = createHmac("sha256", store.secret).update(`request ${body}`).digest();
    const { id, isNew, request: remembered } = await store.repeats.remember(name, request);
    if (!request.equals(remembered)) throw new KeyReused();
    return {
      id,
      async failed() {
        if (isNew) await bestEffort("Forgetting a refused request", () => store.repeats.forget(name));
      },
    };
  };
  return {
    begin,
    async run(request, work) {
      const { id, failed } = await begin(request);
      try {
        return await work(id);
      } catch (error) {
        if (error instanceof DomainError && error.code !== "unavailable") await failed();
        throw error;
      }
    },
  };
}

/** Whether a text can be a key: at most 255 characters of visible ASCII, which headers can contain. */
export function isRepeatKey(text: string): boolean {
  return text.length <= MAX_KEY_CHARACTERS && /^[\x21-\x7e]+$/.test(text);
}

/**
 * Makes a room under the given public id. If there is one, an earlier try has made it, and it is returned.
 * @throws DomainError `not_found` when the room was made before and deleted since
 */
export async function makeOnce(
  { store }: Pick<Context, "store">,
  maker: Actor,
  publicId: string | undefined,
  make: () => Promise<Room>,
): Promise<Room> {
  if (publicId === undefined) return await make();
  const made = () => store.rooms.byPublicId(publicId);
  const before = await made();
  if (before) return before;
  if (await store.roomLists.activityPlace(memberKey(maker), publicId)) {
    throw new DomainError("not_found", "The room that this request made was deleted");
  }
  try {
    return await make();
  } catch (error) {
    // The same request may be under way twice.
    const meanwhile = error instanceof DomainError && error.code === "conflict" ? await made() : null;
    if (meanwhile) return meanwhile;
    throw error;
  }
}
