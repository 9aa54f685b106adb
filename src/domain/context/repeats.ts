/**
 * Requests that a client repeats because it never heard the answer. It gives them a key of its own; what they make is
 * made under an id that belongs to the key, so that it is made once, whatever was lost in between.
 */
import { createHash, createHmac } from "node:crypto";
import { DomainError } from "../errors.ts";
import { type Actor, type Conversation, memberKey } from "../model.ts";
import type { Context } from "./context.ts";

const MAX_KEY_CHARACTERS = 255;

export interface RepeatableRequest {
  /** Who asks. Others may use the same key for something else. */
  caller: string;
  /** For what the key counts: an operation, and the room that it is about. */
  scope: string;
  /** The client's own, 1–255 characters. */
  key: string;
  /** All that the request says. */
  body: string;
}

export interface Repeats {
  /**
   * Remembers the request for 24 hours.
   * @returns the id that belongs to it, the same when it is repeated; and `failed`, which forgets a request that was
   *   refused, so that its key can be used for a corrected one, under the same id
   * @throws KeyReused when the key stands for another request
   */
  begin(request: RepeatableRequest): Promise<{ id: string; failed(): Promise<void> }>;
  /** Does `work` under the id that belongs to the request. */
  run<T>(request: RepeatableRequest, work: (id: string) => Promise<T>): Promise<T>;
}

/** A key stands for one request. */
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

/** Whether a text can be a key: visible ASCII, as headers can hold it. */
export function isRepeatKey(text: string): boolean {
  return text.length <= MAX_KEY_CHARACTERS && /^[\x21-\x7e]+$/.test(text);
}

/**
 * Makes a room under an id of its maker's choice, unless it is there: then it was made before, under the same id.
 * @throws DomainError `not_found` when it was deleted since, with its maker in it
 */
export async function makeOnce(
  { store }: Pick<Context, "store">,
  maker: Actor,
  publicId: string | undefined,
  make: () => Promise<Conversation>,
): Promise<Conversation> {
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
