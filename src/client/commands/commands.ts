/**
 * One method of the client for each op that is asked and answered and no more. A noun of the protocol has a file here: the list
 * of its ops, and an interface that describes their methods. The list makes the methods; the interface documents them.
 */
import type { OkFields, OkFrame, Question } from "../../protocol/frames.ts";
import type { MethodName } from "./command.ts";
import { MEMBER_COMMANDS, type MemberCommands } from "./members.ts";
import { MESSAGE_COMMANDS, type MessageCommands } from "./messages.ts";
import { ACCOUNT_COMMANDS, type AccountCommands, PEOPLE_COMMANDS, type PeopleCommands } from "./people.ts";
import { PRESENCE_COMMANDS, type PresenceCommands } from "./presence.ts";
import { RECEIPT_COMMANDS, type ReceiptCommands } from "./receipts.ts";
import { ROOM_CHANGE_COMMANDS, type RoomChangeCommands } from "./room-changes.ts";
import { ROOM_LIST_COMMANDS, type RoomListCommands } from "./room-list.ts";
import { UPLOAD_COMMANDS, type UploadCommands } from "./uploads.ts";

const OPS = [
  ...MESSAGE_COMMANDS,
  ...RECEIPT_COMMANDS,
  ...MEMBER_COMMANDS,
  ...PEOPLE_COMMANDS,
  ...ACCOUNT_COMMANDS,
  ...ROOM_CHANGE_COMMANDS,
  ...PRESENCE_COMMANDS,
  ...ROOM_LIST_COMMANDS,
  ...UPLOAD_COMMANDS,
] as const;

export interface Commands
  extends MessageCommands,
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
    Object.defineProperty(Methods.prototype, methodName(op), {
      async value(this: Asking, fields?: object) {
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
