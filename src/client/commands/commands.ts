/**
 * One method of the client for each op that is asked and answered and no more. The list of the ops makes the methods. A noun of the
 * protocol has a file here, with an interface that describes its methods.
 */
import type { OkFields, OkFrame, Question } from "../../protocol/frames.ts";
import type { CommandsOf, MethodName } from "./command.ts";
import type { MemberCommands } from "./members.ts";
import type { MessageCommands } from "./messages.ts";
import type { AccountCommands, PeopleCommands } from "./people.ts";
import type { PresenceCommands } from "./presence.ts";
import type { ReceiptCommands } from "./receipts.ts";
import type { RoomChangeCommands } from "./room-changes.ts";
import type { RoomListCommands } from "./room-list.ts";
import type { UploadCommands } from "./uploads.ts";

/** Beside those that the client does itself. */
const OPS = [
  "edit",
  "delete",
  "react",
  "unreact",
  "pin",
  "unpin",
  "search",
  "delivered",
  "receipts",
  "members",
  "member.add",
  "member.remove",
  "member.role",
  "room.leave",
  "room.delete",
  "profile",
  "users",
  "block",
  "unblock",
  "blocked",
  "contacts",
  "contact.set",
  "contact.remove",
  "connections",
  "connection.ask",
  "connection.set",
  "organizations",
  "password",
  "sessions",
  "session.end",
  "account.delete",
  "identities",
  "identity.link",
  "identity.unlink",
  "token",
  "matrix",
  "room.create",
  "room.direct",
  "room.preview",
  "room.join",
  "room.set",
  "room.link",
  "ping",
  "call.signal",
  "call.servers",
  "settings",
  "upload",
  "file.rename",
] as const;

export interface Commands
  extends CommandsOf<typeof OPS>,
    MessageCommands,
    ReceiptCommands,
    MemberCommands,
    PeopleCommands,
    AccountCommands,
    RoomChangeCommands,
    PresenceCommands,
    RoomListCommands,
    UploadCommands {}

/** Says an op in the current session. Rejects with `Refused` or `ConnectionLost`. */
export interface Asking {
  ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>>;
}

/** A class with the methods of {@link Commands}, which say their ops by the `ask` of the class that extends it. */
export const CommandMethods = (() => {
  class Methods {}
  for (const op of OPS) {
    Object.assign(Methods.prototype, {
      async [methodName(op)](this: Asking, fields?: object) {
        return withoutHead(await this.ask({ ...fields, op } as Question<typeof op>));
      },
    });
  }
  return Methods as new () => Commands;
})();

function methodName<Op extends string>(op: Op): MethodName<Op> {
  return op.replace(/\.(.)/, (_, first: string) => first.toUpperCase()) as MethodName<Op>;
}

/** The fields of an answer. */
export function withoutHead<Op extends keyof OkFields>({ op: _, ref: __, ...fields }: OkFrame<Op>) {
  return fields;
}
