/** What people do on each face that live sessions hear of. */
import type { SocketClient } from "../black-box/socket-client.ts";
import { TALK_PREFIX, talkHeaders } from "./rooms.ts";
import { ADMIN_TOKEN, type Answer, ask, bearer, must, type Person, type Site } from "./site.ts";

/** A person who does things in a room of their own, where others look on. */
export interface Scene {
  site: Site;
  actor: Person;
  /** A session of the actor that does what is done on the WebSocket. */
  socket: SocketClient;
  room: { id: number; token: string; uuid: string; publicId: string };
  /** The seq of a message that the actor has not read. */
  unread: number;
  /** Cookies of the actor's client of Talk. */
  cookies: Record<string, string>;
}

export type Step = (scene: Scene) => Promise<unknown>;

/** Seqs of answers to the message that the actor has not read. */
export const answers = new WeakMap<Scene, number>();
export const isAnswered: Step = async (scene) => {
  const { site, room, unread: thread } = scene;
  const frame = { op: "send", room: room.token, id: "an answer", text: "An answer", thread };
  const answer = await site.callers.owner.socket?.ask(frame);
  answers.set(scene, answer?.seq as number);
};

/** The room is public by then, and the actor, who had left it, found it by its token. */
export const joinsByThemselves: Step = async (scene) => {
  await owners("room.set", { type: "public" })(scene);
  await say("room.leave")(scene);
  await say("room.join")(scene);
};

/** In the call, with audio. */
export const FLAGS = 3;

export function say(op: string, more: object = {}): Step {
  return ({ socket, room: { token } }) => socket.ask({ op, room: token, ...more });
}

/** As {@link say}, by the room's owner. */
export function owners(op: string, more: object = {}): Step {
  return async ({ site, room: { token } }) => {
    await site.callers.owner.socket?.ask({ op, room: token, ...more });
  };
}

export const opens = say("open");
export const types = say("typing", { on: true });
export const calls = say("call.join", { flags: FLAGS });

export function talk(method: string, path: (scene: Scene) => string, json?: (scene: Scene) => object): Step {
  return async (scene) => {
    const { site, actor, cookies } = scene;
    const known = talkHeaders({ bearer: actor.token, cookie: null });
    const answer = await ask(site.url, method, TALK_PREFIX + path(scene), {
      headers: { ...known, ...cookies },
      ...(json && { json: json(scene) }),
    });
    // 304: nothing was said meanwhile.
    if (answer.status >= 300 && answer.status !== 304) throw new Error(`Talk answered ${answer.status}`);
    const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
    if (cookie) cookies.Cookie = cookie;
    return answer.json?.ocs.data;
  };
}

export const active = ({ room }: Scene) => `/room/${room.token}/participants/active`;
export const call = ({ room }: Scene) => `/call/${room.token}`;
export const talkJoins = talk("POST", active);
export const talkCalls = talk("POST", call, () => ({ flags: FLAGS }));

/** The actor's client of Talk joins anew and sends its own new session a message. */
export async function signals(scene: Scene): Promise<void> {
  const { sessionId } = (await talk("POST", active)(scene)) as { sessionId: string };
  const message = { ev: "message", fn: JSON.stringify({ to: sessionId, type: "offer" }), sessionId };
  const path = ({ room }: Scene) => `/signaling/${room.token}`;
  await talk("POST", path, () => ({ messages: JSON.stringify([message]) }))(scene);
}

/** A request of Wire or Protocol. */
export function user(method: string, path: (scene: Scene) => string, json?: (scene: Scene) => object): Step {
  return (scene) =>
    must(scene.site.url, method, path(scene), {
      headers: bearer(scene.actor.token),
      ...(json && { json: json(scene) }),
    });
}

export function admin(
  method: string,
  path: (scene: Scene) => string,
  json?: object,
): (scene: Scene) => Promise<Answer> {
  return (scene) =>
    must(scene.site.url, method, `/admin/v1/${path(scene)}`, {
      headers: bearer(ADMIN_TOKEN),
      ...(json && { json }),
    });
}

export const self = ({ room }: Scene) => `/conversations/${room.uuid}/self`;
export const typing = ({ room }: Scene) => `/conversations/${room.uuid}/typing`;
export const ofUser = ({ actor }: Scene) => `users/${actor.id}`;

/** Somebody of no organization: a connection has to be asked for. */
export const strangers = new WeakMap<Scene, Person>();
export const knowsStranger: Step = async (scene) => strangers.set(scene, await scene.site.newPerson());
export const connects = user(
  "POST",
  () => "/connections",
  (scene) => ({ user: strangers.get(scene)?.uuid, name: "A stranger", message: "Hello" }),
);

export const tokens = new WeakMap<Scene, number>();
export const getsToken: Step = async (scene) => {
  const { id: userId } = scene.actor;
  const { json } = await admin("POST", () => "tokens", { userId, name: "another" })(scene);
  tokens.set(scene, json.id);
};

export async function automate({ site, room }: Scene, automationEnabled: boolean): Promise<void> {
  const sent = { headers: { "API-TOKEN": site.organization.token }, json: { automationEnabled } };
  await must(site.url, "PUT", `/api/v1/chat/chatrooms/${room.id}`, sent);
}

/** The scene moves to the room of an event that the actor has left; the room does not follow the event. */
export const inEventRoom: Step = async (scene) => {
  const { site, actor, room } = scene;
  const { organization, callers, url } = site;
  const staying = [callers.owner, callers.moderator];
  const putEvent = async (people: readonly (number | undefined)[]) => {
    const json = { name: "Exercise", acceptedUsers: people };
    await admin("PUT", () => `organizations/${organization.id}/events/${room.id}`, json)(scene);
  };
  const ids = staying.map(({ person }) => person?.id);
  await putEvent([...ids, actor.id]);
  const query = `organization_id=${organization.id}&event_id=${room.id}`;
  const headers = { "API-TOKEN": organization.token };
  const { id, token } = (await must(url, "GET", `/api/v1/chat/chatroom?${query}`, { headers })).json;
  scene.room = { ...room, id, token };
  for (const { socket } of [...staying, scene]) {
    await socket?.until("the event's room", () => socket.log(token).length > 0);
    if (socket !== scene.socket) await socket?.ask({ op: "open", room: token });
  }
  await automate(scene, false);
  await putEvent(ids);
};
