/** Somebody in a Matrix client, over the plain client-server API: writes, and reads whole rooms. */
import { setTimeout as delay } from "node:timers/promises";
import type { MatrixLogin } from "../../matrix-client.ts";

export interface MatrixPerson {
  readonly name: string;
  /** `@…:server` */
  readonly userId: string;
  /**
   * A request to the client-server API, tried again until the homeserver itself answers.
   * @param path as `rooms/…`, or from `/_matrix/` on
   * @throws Error with status and code when it refuses
   */
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Enters as soon as the bridge has invited. */
  enter(room: string, matrixRoom: string, limitMs: number): Promise<void>;
  /** Resolves when the homeserver took it; tries again under the same transaction id until then. */
  send(room: string, id: string, body: string): Promise<void>;
  /** All texts of the room from its beginning on, in order. */
  texts(room: string): Promise<string[]>;
  stop(): void;
}

interface Page {
  chunk: { type: string; content: { msgtype?: string; body?: string } }[];
  end?: string;
}

const RETRY_MS = 300;
const ANSWER_LIMIT_MS = 30_000;

/** @param signIn asked again whenever the homeserver does not know the token any more */
export async function matrixPerson(name: string, signIn: () => Promise<MatrixLogin>): Promise<MatrixPerson> {
  let login = await signIn();
  const base = `${login.wellKnown["m.homeserver"].base_url.replace(/\/$/, "")}/_matrix/client/v3/`;
  const { userID: userId } = login;
  const ids = new Map<string, string>();
  const ending = new AbortController();

  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    for (;;) {
      const { accessToken } = login;
      const isFile = body instanceof Uint8Array;
      const type = isFile ? "application/octet-stream" : "application/json";
      const answer = await fetch(new URL(path, base), {
        method,
        headers: { authorization: `Bearer ${accessToken}`, "content-type": type },
        signal: AbortSignal.any([ending.signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
        ...(body !== undefined && {
          body: isFile ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
        }),
      }).catch((error: unknown) => error as Error);
      ending.signal.throwIfAborted();
      if (!(answer instanceof Error)) {
        const text = await answer.text().catch(() => "");
        if (answer.ok && /^[{[]/.test(text)) return JSON.parse(text) as T;
        if (answer.status === 401) login = await signIn().catch(() => login);
        else if (answer.status < 500 && answer.status !== 429)
          throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
      }
      await delay(RETRY_MS);
    }
  }

  const roomPath = (room: string) => `rooms/${encodeURIComponent(ids.get(room) ?? "")}`;
  return {
    ...{ name, userId, ask },
    enter: async (room, matrixRoom, limitMs) => {
      ids.set(room, matrixRoom);
      for (const deadline = Date.now() + limitMs; ; await delay(RETRY_MS)) {
        try {
          await ask("POST", `join/${encodeURIComponent(matrixRoom)}`, {});
          return;
        } catch (error) {
          if (Date.now() > deadline) throw error;
        }
      }
    },
    send: async (room, id, body) => {
      const path = `${roomPath(room)}/send/m.room.message/${encodeURIComponent(id)}`;
      await ask("PUT", path, { msgtype: "m.text", body });
    },
    texts: async (room) => {
      const found: string[] = [];
      for (let from: string | undefined = ""; from !== undefined; ) {
        const query: string = `dir=b&limit=500${from === "" ? "" : `&from=${encodeURIComponent(from)}`}`;
        const page: Page = await ask("GET", `${roomPath(room)}/messages?${query}`);
        const texts = page.chunk.filter(
          ({ type, content }) => type === "m.room.message" && content.msgtype === "m.text",
        );
        found.push(...texts.map(({ content }) => content.body ?? ""));
        from = page.end;
      }
      return found.reverse();
    },
    stop: () => ending.abort(new Error("stopped")),
  };
}
