/** The commands of a session: one table, a handler per op. What they do is in a file per noun. */
import { DomainError } from "../../domain/errors.ts";
import type { ClientFrame, ClientOp, OkFields } from "../../protocol/frames.ts";
import type { Speaker } from "../sessions/session.ts";
import type { AccountCommands } from "./account.ts";
import type { CallCommands } from "./calls.ts";
import type { FileCommands } from "./files.ts";
import type { Handlers } from "./handlers.ts";
import type { MemberCommands } from "./members.ts";
import type { MessageChanges } from "./message-changes.ts";
import type { MessageCommands } from "./messages.ts";
import type { PeopleCommands } from "./people.ts";
import type { PresenceCommands } from "./presence.ts";
import type { ReceiptCommands } from "./receipts.ts";
import type { RoomChanges } from "./room-changes.ts";
import type { RoomListCommands } from "./room-list.ts";
import type { SearchCommands } from "./search.ts";

export interface Commands {
  messages: MessageCommands;
  changes: MessageChanges;
  receipts: ReceiptCommands;
  search: SearchCommands;
  members: MemberCommands;
  rooms: RoomChanges;
  people: PeopleCommands;
  account: AccountCommands;
  presence: PresenceCommands;
  calls: CallCommands;
  files: FileCommands;
  roomList: RoomListCommands;
}

/** Without `hello`, which begins a session. */
export type CommandTable = Handlers<Exclude<ClientOp, "hello">>;

export function commandTable(commands: Commands): CommandTable {
  const { messages, changes, receipts, search, members, rooms, people, account, files } = commands;
  const talking = { ...messages, ...changes, ...receipts, ...search, ...files };
  const live = { ...commands.presence.handlers, ...commands.calls.handlers };
  return { ...talking, ...commands.roomList, ...rooms, ...members, ...people, ...account, ...live };
}

type Answer = OkFields[keyof OkFields];
type AnyHandler = (speaker: Speaker, frame: ClientFrame) => Promise<Answer>;

/** Resolves with what `ok` holds. @throws DomainError */
export function execute(table: CommandTable, speaker: Speaker, frame: ClientFrame): Promise<Answer> {
  // [GW-2.6]
  if (frame.op === "hello") throw new DomainError("conflict", "This session has said hello already");
  const handle = table[frame.op] as AnyHandler;
  return handle(speaker, frame);
}
