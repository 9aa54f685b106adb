/** A person in a Matrix client, over the plain client-server API. */

export interface TimelineEvent {
  event_id: string;
  sender: string;
  type: string;
  state_key?: string;
  origin_server_ts: number;
  content: Record<string, unknown> & { body?: string; membership?: string };
  unsigned?: {
    redacted_because?: object;
    "m.relations"?: { "m.replace"?: { content: TimelineEvent["content"] } };
  };
}

export interface MatrixUser {
  readonly id: string;
  /** A request under `/_matrix/client/v3/`. @throws Error with status and errcode in its text */
  ask<T>(method: string, path: string, body?: object): Promise<T>;
  join(matrixRoomId: string): Promise<void>;
  leave(matrixRoomId: string): Promise<void>;
  /** Sends a text, or a content of its own. @returns the event's id */
  say(matrixRoomId: string, text: string | object, txnId?: string): Promise<string>;
  /** @returns the event's id */
  react(matrixRoomId: string, eventId: string, key: string): Promise<string>;
  redact(matrixRoomId: string, eventId: string): Promise<string>;
  /** What stands at an `mxc:` address. */
  media(mxc: string): Promise<{ text: string; type: string | null }>;
  /** Uploads a file. @returns its `mxc:` address */
  upload(content: Blob, filename: string): Promise<string>;
  /** The room's events that the person sees, oldest first. */
  timeline(matrixRoomId: string): Promise<TimelineEvent[]>;
  /** The messages among them as `sender's localpart: body`, redacted ones as `…: (redacted)`. */
  texts(matrixRoomId: string): Promise<string[]>;
  state<T>(matrixRoomId: string, type: string, key?: string): Promise<T | null>;
  /** Joined and invited rooms. */
  rooms(): Promise<{ joined: string[]; invited: string[] }>;
}

/** `asUser`: the token is an application service's, which acts as this user. */
export function matrixUser(baseUrl: string, token: string, id: string, asUser?: string): MatrixUser {
  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const url = new URL(`${baseUrl}/_matrix/client/v3/${path}`);
    if (asUser) url.searchParams.set("user_id", asUser);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }
  const room = (matrixRoomId: string) => `rooms/${encodeURIComponent(matrixRoomId)}`;

  async function timeline(matrixRoomId: string): Promise<TimelineEvent[]> {
    const events: TimelineEvent[] = [];
    let from = "";
    do {
      const page = await ask<{ chunk: TimelineEvent[]; end?: string }>(
        "GET",
        `${room(matrixRoomId)}/messages?dir=b&limit=500${from && `&from=${encodeURIComponent(from)}`}`,
      );
      events.push(...page.chunk);
      from = page.end ?? "";
    } while (from !== "");
    return events.reverse();
  }

  return {
    id,
    ask,
    timeline,
    join: async (matrixRoomId) => void (await ask("POST", `join/${encodeURIComponent(matrixRoomId)}`, {})),
    leave: async (matrixRoomId) => void (await ask("POST", `${room(matrixRoomId)}/leave`, {})),
    async say(matrixRoomId, text, txnId = `t${Math.random()}`) {
      const content = typeof text === "string" ? { msgtype: "m.text", body: text } : text;
      const path = `${room(matrixRoomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
      return (await ask<{ event_id: string }>("PUT", path, content)).event_id;
    },
    async react(matrixRoomId, eventId, key) {
      const content = { "m.relates_to": { rel_type: "m.annotation", event_id: eventId, key } };
      const path = `${room(matrixRoomId)}/send/m.reaction/${Math.random()}`;
      return (await ask<{ event_id: string }>("PUT", path, content)).event_id;
    },
    async redact(matrixRoomId, eventId) {
      const path = `${room(matrixRoomId)}/redact/${encodeURIComponent(eventId)}/${Math.random()}`;
      return (await ask<{ event_id: string }>("PUT", path, {})).event_id;
    },
    async media(mxc) {
      const url = new URL(`${baseUrl}/_matrix/client/v1/media/download/${mxc.slice("mxc://".length)}`);
      if (asUser) url.searchParams.set("user_id", asUser);
      const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error(`${url.pathname} answered ${answer.status}`);
      return { text: await answer.text(), type: answer.headers.get("content-type") };
    },
    async upload(content, filename) {
      const url = `${baseUrl}/_matrix/media/v3/upload?filename=${encodeURIComponent(filename)}`;
      const headers = { authorization: `Bearer ${token}`, "content-type": content.type };
      const answer = await fetch(url, { method: "POST", headers, body: content });
      return ((await answer.json()) as { content_uri: string }).content_uri;
    },
    async texts(matrixRoomId) {
      return (await timeline(matrixRoomId)).flatMap(({ type, sender, content, unsigned }) => {
        if (type !== "m.room.message") return [];
        const said = unsigned?.redacted_because ? "(redacted)" : content.body;
        return [`${sender.slice(1).split(":")[0]}: ${said}`];
      });
    },
    async state<T>(matrixRoomId: string, type: string, key = "") {
      const path = `${room(matrixRoomId)}/state/${type}/${encodeURIComponent(key)}`;
      return await ask<T>("GET", path).catch((error: Error) => {
        if (error.message.includes("M_NOT_FOUND")) return null;
        throw error;
      });
    },
    async rooms() {
      interface Sync {
        rooms?: { join?: object; invite?: object };
      }
      const { rooms } = await ask<Sync>("GET", "sync?timeout=0");
      return { joined: Object.keys(rooms?.join ?? {}), invited: Object.keys(rooms?.invite ?? {}) };
    },
  };
}
