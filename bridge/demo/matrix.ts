/** A Matrix client on matrix-js-sdk, signed in with the answer of Messenger's Login. */
import {
  ClientEvent,
  createClient,
  Direction,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
} from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";
import type { Listener } from "./listeners.ts";
import "./node-20.ts";

/** The answer of `POST /api/v1/chat/user/login`. */
export interface Login {
  accessToken: string;
  deviceID: string;
  userID: string;
  wellKnown: { "m.homeserver": { base_url: string } };
}

export interface DemoMatrixClient {
  /** Accepts the invitation if there is one. Resolves when the client is in the room. */
  enter(matrixRoomId: string): Promise<void>;
  say(matrixRoomId: string, text: string): Promise<void>;
  /** The texts in the Matrix room. */
  texts(matrixRoomId: string): Promise<string[]>;
  /** Signs out. */
  close(): Promise<void>;
}

const LIMIT_MS = 30_000;

export function connectMatrix(login: Login, listener: Listener): DemoMatrixClient {
  silence();
  const client = createClient({
    baseUrl: login.wellKnown["m.homeserver"].base_url,
    accessToken: login.accessToken,
    userId: login.userID,
    deviceId: login.deviceID,
  });
  let entered: string | null = null;
  client.on(ClientEvent.Event, (event) => {
    if (event.getRoomId() !== entered || event.getType() !== "m.room.message") return;
    const sender = String(event.getSender());
    listener.receive(client.getRoom(entered)?.getMember(sender)?.name ?? sender, textOf(event));
  });
  return {
    enter: async (matrixRoomId) => {
      entered = matrixRoomId;
      await client.startClient({ lazyLoadMembers: false });
      const membership = await untilBelonging(client, matrixRoomId);
      if (membership !== "join") await client.joinRoom(matrixRoomId);
      await untilSynced(
        client,
        `${login.userID} is in ${matrixRoomId}`,
        () => membershipIn(client, matrixRoomId) === "join",
      );
    },
    say: async (matrixRoomId, text) => {
      await client.sendMessage(matrixRoomId, { msgtype: MsgType.Text, body: text });
    },
    texts: (matrixRoomId) => readTexts(client, matrixRoomId),
    close: async () => {
      client.stopClient();
      await client.logout();
    },
  };
}

function membershipIn(client: MatrixClient, matrixRoomId: string): string | undefined {
  return client.getRoom(matrixRoomId)?.getMyMembership();
}

async function untilBelonging(client: MatrixClient, matrixRoomId: string): Promise<string | undefined> {
  const belongs = () => ["join", "invite"].includes(membershipIn(client, matrixRoomId) ?? "");
  await untilSynced(client, `${client.getUserId()} is in, or invited to, ${matrixRoomId}`, belongs);
  return membershipIn(client, matrixRoomId);
}

/** Waits until `holds`, and checks after every sync. @throws Error after 30 s */
export function untilSynced(client: MatrixClient, what: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      client.off(ClientEvent.Sync, look);
      settle();
    };
    const timer = setTimeout(() => {
      end(() => reject(new Error(`waited ${LIMIT_MS / 1000} s in vain until ${what}`)));
    }, LIMIT_MS);
    const look = () => {
      if (holds()) end(resolve);
    };
    client.on(ClientEvent.Sync, look);
    look();
  });
}

async function readTexts(client: MatrixClient, matrixRoomId: string): Promise<string[]> {
  const texts: string[] = [];
  for (let from: string | null | undefined = null; from !== undefined; ) {
    const page = await client.createMessagesRequest(matrixRoomId, from, 100, Direction.Backward);
    for (const { type, content } of page.chunk) {
      if (type === "m.room.message") texts.push(String(content.body));
    }
    from = page.end;
  }
  return texts.reverse();
}

function textOf(event: MatrixEvent): string {
  return String(event.getContent().body);
}

/** Silences the SDK's log of every request. It is a logger of the package loglevel, which its type hides. */
function silence(): void {
  const loglevel = logger as unknown as { methodFactory: () => () => void; rebuild(): void };
  loglevel.methodFactory = () => () => undefined;
  loglevel.rebuild();
}
