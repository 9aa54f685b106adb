/**
 * Registers operations of Talk and describes them in OpenAPI. [B.2] The order of checks is: credentials (401), header (412),
 * room (404), permissions (403; 412 in the lobby), input (400).
 */

import { noSuchRoom, refusal } from "../../../domain/context/access.ts";
import { DomainError } from "../../../domain/errors.ts";
import type { Actor, Holder, Membership, Room, User } from "../../../domain/model.ts";
import { type Action, can } from "../../../domain/permissions.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { HttpApp, HttpContext } from "../../face/face.ts";
import type { RequestLimits } from "../../requests/request-limits.ts";
import type { TalkClient } from "../shapes/clients.ts";
import { type Answers, type Described, describe } from "../shapes/description.ts";
import { type Outcome, respond } from "../shapes/envelope.ts";
import { type Input, inputOf, type Shape } from "../shapes/parameters.ts";
import { type Caller, createAuthentication, requireApiRequest } from "./authentication.ts";

export interface Operation<S extends Shape> {
  method: "get" | "post" | "put" | "delete";
  /** The path after the prefixes. `{token}` is a room's token. */
  path: string;
  summary: string;
  input?: S;
  answers: Answers;
}

export interface RoomOperation<S extends Shape> extends Operation<S> {
  /**
   * The action that the caller must be allowed. Null: the caller must be a member, and the use case checks the rest.
   */
  action: Action | null | ((room: Room) => Action | null);
  /** Set if guests may use the operation. Otherwise they get 401. */
  guests?: true;
  /** Set for long polls, whose number per caller is bounded. */
  waits?: true;
}

export interface UserCall<S extends Shape> {
  c: HttpContext;
  user: User;
  actor: Actor;
  client: TalkClient;
  input: Input<S>;
}

export interface RoomCall<S extends Shape> {
  c: HttpContext;
  actor: Actor;
  /** Null for guests. */
  user: User | null;
  /** The holder of the credential; null for guests. */
  holder: Holder | null;
  /** Undefined for guests: they have just one. */
  client: TalkClient | undefined;
  token: string;
  room: Room;
  me: Membership;
  input: Input<S>;
}

export interface OpenCall<S extends Shape> {
  c: HttpContext;
  caller: Caller;
  /** Empty where the path names no room. */
  token: string;
  input: Input<S>;
}

type Handler<C> = (call: C) => Promise<Outcome> | Outcome;

export interface Operations {
  /** Registers an operation for users, without a room. */
  forUsers<S extends Shape>(operation: Operation<S>, handler: Handler<UserCall<S>>): void;
  /** Registers an operation for members of the room in the path. */
  inRoom<S extends Shape>(operation: RoomOperation<S>, handler: Handler<RoomCall<S>>): void;
  /** Registers an operation for everybody. */
  open<S extends Shape>(operation: Operation<S>, handler: Handler<OpenCall<S>>): void;
}

export function createOperations(
  app: HttpApp,
  { clock, accounts, finding, guests }: Pick<UseCases, "clock" | "accounts" | "finding" | "guests">,
  limits: RequestLimits,
): Operations {
  const callerOf = createAuthentication(accounts, limits);

  async function userOf(c: HttpContext): Promise<Extract<Caller, { kind: "user" }>> {
    const caller = await callerOf(c);
    if (caller.kind === "guest") throw new DomainError("unauthorized");
    return caller;
  }

  async function actorOf(caller: Caller, token: string): Promise<Actor> {
    if (caller.kind === "user") return caller.actor;
    if (caller.secret === null) throw noSuchRoom();
    return await guests.actorOf(caller.secret, token);
  }

  async function placeOf(actor: Actor, token: string, needed: RoomOperation<Shape>["action"]) {
    const found = await finding.locate(actor, { token });
    if (!found?.membership) throw noSuchRoom();
    const { room, membership: me } = found;
    const action = typeof needed === "function" ? needed(room) : needed;
    const verdict = action && can(me, room, action, clock.now());
    if (action && verdict) throw refusal(verdict, action, room);
    return { room, me };
  }

  function serve(operation: Described, handler: (c: HttpContext) => Promise<Outcome>): void {
    const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
    app.openAPIRegistry.registerPath(describe(operation));
    app.on(operation.method.toUpperCase(), path, async (c) => respond(c, await handler(c)));
  }

  return {
    forUsers(operation, handler) {
      const shape = operation.input ?? emptyInput(operation);
      serve({ ...operation, guests: false }, async (c) => {
        const { user, actor, client } = await userOf(c);
        requireApiRequest(c);
        return await handler({ c, user, actor, client, input: await inputOf(c, shape) });
      });
    },
    inRoom(operation, handler) {
      const { action, guests = false } = operation;
      const shape = operation.input ?? emptyInput(operation);
      serve({ ...operation, guests }, async (c) => {
        const caller = guests ? await callerOf(c) : await userOf(c);
        requireApiRequest(c);
        const token = tokenOf(c);
        const actor = await actorOf(caller, token);
        const place = await placeOf(actor, token, action);
        const input = await inputOf(c, shape);
        const holder = caller.kind === "user" ? caller : null;
        const [user, client] = [holder?.user ?? null, callingClient(caller)];
        const over =
          operation.waits && limits.hold(caller.kind === "user" ? { userId: caller.user.id } : caller);
        try {
          return await handler({ c, actor, user, holder, client, token, ...place, input });
        } finally {
          over?.();
        }
      });
    },
    open(operation, handler) {
      const shape = operation.input ?? emptyInput(operation);
      serve({ ...operation, guests: true }, async (c) => {
        const caller = await callerOf(c);
        requireApiRequest(c);
        return await handler({ c, caller, token: tokenOf(c), input: await inputOf(c, shape) });
      });
    },
  };
}

/** Undefined for guests: they have just one. */
export function callingClient(caller: Caller): TalkClient | undefined {
  return caller.kind === "user" ? caller.client : undefined;
}

/** An operation without input takes none; `S` is then whatever was inferred, and empty. */
function emptyInput<S extends Shape>(_: Operation<S>): S {
  return {} as S;
}

function tokenOf(c: HttpContext): string {
  return c.req.param("token") ?? "";
}
