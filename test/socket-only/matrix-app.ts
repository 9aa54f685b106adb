/** Somebody's Matrix client, on matrix-js-sdk: a watcher of the story, who also answers. */
import { createClient, Direction, type MatrixClient, MsgType, RelationType } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import { untilSynced } from "../../bridge/demo/matrix.ts";
import type { OkFields } from "../../src/protocol/frames.ts";

type Account = OkFields["matrix"];

/** A message as the Matrix client shows it. */
export interface MatrixMessage {
  event: string;
  /** The Matrix id of its author. */
  by: string;
  text: string;
  /** The reactions to it, as `👍 @who:…`, in no order. */
  reactions: string[];
  /** The event with which its thread begins. */
  thread?: string;
  /** The event that it answers. */
  answers?: string;
}

export interface MatrixApp {
  readonly id: string;
  readonly client: MatrixClient;
  /** Resolves when the client is in the room; accepts an invitation. */
  enter(room: string): Promise<void>;
  /** @returns the event's id */
  say(room: string, text: string, more?: object): Promise<string>;
  react(room: string, event: string, name: string): Promise<void>;
  edit(room: string, event: string, text: string): Promise<void>;
  /** The messages of the room as they are now, without those that were taken back. */
  messages(room: string): Promise<MatrixMessage[]>;
  name(room: string): string | undefined;
  /** The Matrix ids of those who are in the room. */
  members(room: string): string[];
  close(): Promise<void>;
}

/** Signs in with what the op `matrix` gave: a password, or a device. */
export async function openMatrixApp(account: Account): Promise<MatrixApp> {
  silence();
  const client = await signedIn(account);
  await client.startClient({ lazyLoadMembers: false });
  const inRoom = (room: string) => client.getRoom(room)?.getMyMembership();
  return {
    ...{ id: account.matrixId, client },
    async enter(room) {
      await untilSynced(client, `${account.matrixId} belongs to ${room}`, () =>
        ["join", "invite"].includes(inRoom(room) ?? ""),
      );
      if (inRoom(room) !== "join") await client.joinRoom(room);
      await untilSynced(client, `${account.matrixId} is in ${room}`, () => inRoom(room) === "join");
    },
    async say(room, text, more = {}) {
      const content = { msgtype: MsgType.Text as const, body: text, ...more };
      return (await client.sendMessage(room, content)).event_id;
    },
    async react(room, event, name) {
      const relation = { rel_type: RelationType.Annotation as const, event_id: event, key: name };
      await client.sendEvent(room, "m.reaction" as never, { "m.relates_to": relation } as never);
    },
    async edit(room, event, text) {
      const content = { msgtype: MsgType.Text as const, body: text };
      const relation = { rel_type: RelationType.Replace as const, event_id: event };
      await client.sendMessage(room, {
        ...{ ...content, body: `* ${text}` },
        ...{ "m.new_content": content, "m.relates_to": relation },
      });
    },
    messages: async (room) => messagesOf(await rawEvents(client, room)),
    name: (room) => client.getRoom(room)?.name,
    members: (room) => (client.getRoom(room)?.getJoinedMembers() ?? []).map(({ userId }) => userId).sort(),
    async close() {
      client.stopClient();
    },
  };
}

async function signedIn(account: Account): Promise<MatrixClient> {
  const { homeserver: baseUrl, matrixId: userId } = account;
  if ("accessToken" in account) {
    const { accessToken, device: deviceId } = account;
    return createClient({ baseUrl, userId, accessToken, deviceId });
  }
  const { access_token: accessToken, device_id: deviceId } = await createClient({ baseUrl }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: account.username },
    password: account.password,
  });
  return createClient({ baseUrl, userId, accessToken, deviceId });
}

interface RawEvent {
  event_id: string;
  sender: string;
  type: string;
  content: {
    body?: string;
    "m.new_content"?: { body: string };
    "m.relates_to"?: {
      rel_type?: string;
      event_id?: string;
      key?: string;
      is_falling_back?: boolean;
      "m.in_reply_to"?: { event_id: string };
    };
  };
  unsigned?: { redacted_because?: object };
}

async function rawEvents(client: MatrixClient, room: string): Promise<RawEvent[]> {
  const events: RawEvent[] = [];
  for (let from: string | null | undefined = null; from !== undefined; ) {
    const page = await client.createMessagesRequest(room, from, 100, Direction.Backward);
    events.push(...(page.chunk as unknown as RawEvent[]));
    from = page.end;
  }
  return events.reverse();
}

function messagesOf(events: readonly RawEvent[]): MatrixMessage[] {
  const shown = new Map<string, MatrixMessage>();
  for (const { event_id: event, sender: by, type, content, unsigned } of events) {
    if (unsigned?.redacted_because) continue;
    const relation = content["m.relates_to"] ?? {};
    const { rel_type: kind, event_id: target = "", key, is_falling_back } = relation;
    const answers = is_falling_back ? undefined : relation["m.in_reply_to"]?.event_id;
    if (type === "m.reaction") shown.get(target)?.reactions.push(`${key} ${by}`);
    if (type !== "m.room.message") continue;
    if (kind === "m.replace") {
      const replaced = shown.get(target);
      if (replaced) replaced.text = content["m.new_content"]?.body ?? "";
      continue;
    }
    const thread = kind === "m.thread" && { thread: target };
    shown.set(event, {
      ...{ event, by, text: content.body ?? "", reactions: [] },
      ...thread,
      ...(answers !== undefined && { answers }),
    });
  }
  return [...shown.values()];
}

/** Silences the SDK's log of every request. It is a logger of the package loglevel, which its type hides. */
function silence(): void {
  const loglevel = logger as unknown as { methodFactory: () => () => void; rebuild(): void };
  loglevel.methodFactory = () => () => undefined;
  loglevel.rebuild();
}
