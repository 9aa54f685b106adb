/** What people do in Matrix, users of the chat and others. */
import { setTimeout as delay } from "node:timers/promises";
import type { Said } from "../book.ts";
import { invite, type MatrixOne } from "../cast.ts";
import { reactionOf } from "../view.ts";
import { type Kind, mayDelete, type Scene, someWords, target } from "./operation.ts";

const EMOJI = ["👀", "🚀", "❤️"] as const;
const TEXT = "m.room.message";

type Content = Record<string, unknown>;

interface Sending {
  type?: string;
  wording?: Said["wording"];
  inThread?: boolean;
  content?: (text: string, token: string) => Content;
  relation?: Content;
  /** Its file: there before it, some seconds after it, or never. */
  file?: "there" | "late" | "never";
}

const inRoom = (scene: Scene) => `rooms/${encodeURIComponent(scene.room.matrixRoom)}`;

function anyone({ cast, random }: Scene): MatrixOne {
  return random.pick([...cast.signedIn, ...cast.strangers]);
}

function send(scene: Scene, sending: Sending = {}) {
  const { book, random, room } = scene;
  const { key, person } = anyone(scene);
  const words = someWords(random);
  const lateMs = random.between(2_000, 15_000);
  return {
    lane: person.name,
    run: async () => {
      const { type = TEXT, wording = "exact", inThread = false, relation } = sending;
      const one = book.add({
        room: room.token,
        by: key,
        side: "matrix",
        what: scene.name,
        wording,
        inThread,
      });
      const text = `${one.token} ${words}`;
      one.texts.set("first", text);
      const bytes = new TextEncoder().encode(text);
      const file = sending.file && (await newFile(person, bytes, sending.file === "there"));
      const content = {
        ...(sending.content?.(text, one.token) ?? { msgtype: "m.text", body: text }),
        ...(file && { url: file, info: { mimetype: "text/plain", size: bytes.length } }),
        ...(relation && { "m.relates_to": relation }),
      };
      const path = `${inRoom(scene)}/send/${type}/${one.token}`;
      const { event_id: eventId } = await person.ask<{ event_id: string }>("PUT", path, content);
      one.isTaken = true;
      one.eventId = eventId;
      if (file && sending.file === "late") {
        book.later.push(delay(lateMs).then(() => bringFile(person, file, bytes)));
      }
    },
  };
}

type Asking = Pick<MatrixOne["person"], "ask">;

async function newFile(person: Asking, bytes: Uint8Array, isThere: boolean): Promise<string> {
  const { content_uri: file } = await person.ask<{ content_uri: string }>("POST", "/_matrix/media/v1/create");
  if (isThere) await bringFile(person, file, bytes);
  return file;
}

/** An upload that was answered and whose answer was lost can't be repeated: it is there. */
async function bringFile(person: Asking, file: string, bytes: Uint8Array): Promise<void> {
  const path = `/_matrix/media/v3/upload/${file.slice("mxc://".length)}`;
  await person.ask("PUT", path, bytes).catch((error: Error) => {
    if (!error.message.includes("M_CANNOT_OVERWRITE_MEDIA")) throw error;
  });
}

function withFile(scene: Scene, file: NonNullable<Sending["file"]>) {
  const content = (body: string, token: string) => ({ msgtype: "m.file", body, filename: `${token}.txt` });
  return send(scene, { file, content, wording: file === "never" ? "loose" : "exact" });
}

function edit(scene: Scene) {
  const { cast, random } = scene;
  const all = [...cast.signedIn, ...cast.strangers];
  const said = target(
    scene,
    "matrix",
    // An edit is of the type of its message, and none of a sticker shows anywhere.
    ({ by, wording, side, what }) =>
      wording === "exact" && side === "matrix" && what !== "sticker" && all.some(({ key }) => key === by),
  );
  const one = said && all.find(({ key }) => key === said.by);
  if (!said || !one) return null;
  const text = `${said.token} edited ${someWords(random)}`;
  const id = `edit-${random.between(0, 2 ** 30)}`;
  return {
    lane: one.person.name,
    run: async () => {
      await one.person.ask("PUT", `${inRoom(scene)}/send/${TEXT}/${id}`, {
        ...{ msgtype: "m.text", body: `* ${text}` },
        "m.new_content": { msgtype: "m.text", body: text },
        "m.relates_to": { rel_type: "m.replace", event_id: said.eventId },
      });
      said.texts.set("matrix", text);
    },
  };
}

function remove(scene: Scene) {
  const { key, person } = anyone(scene);
  const said = target(scene, "matrix", (one) => mayDelete(key, scene.cast, one));
  if (!said) return null;
  const id = `redact-${scene.random.between(0, 2 ** 30)}`;
  return {
    lane: person.name,
    run: async () => {
      await person.ask("PUT", `${inRoom(scene)}/redact/${encodeURIComponent(said.eventId)}/${id}`, {});
      said.isDeleted = true;
    },
  };
}

/** Ids of the reactions' events, by the message and the reaction. */
const reactionEvents = new WeakMap<Said, Map<string, string>>();

function react(scene: Scene) {
  const { key: who, person } = anyone(scene);
  const key = scene.random.pick(EMOJI);
  const reaction = reactionOf(who, key);
  const said = target(scene, "matrix", ({ reactions }) => reactions.get(reaction) !== true);
  if (!said) return null;
  const id = `react-${scene.random.between(0, 2 ** 30)}`;
  return {
    lane: person.name,
    run: async () => {
      const relation = { rel_type: "m.annotation", event_id: said.eventId, key };
      const path = `${inRoom(scene)}/send/m.reaction/${id}`;
      const { event_id: event } = await person.ask<{ event_id: string }>("PUT", path, {
        "m.relates_to": relation,
      });
      const events = reactionEvents.get(said) ?? new Map<string, string>();
      reactionEvents.set(said, events.set(reaction, event));
      said.reactions.set(reaction, true);
    },
  };
}

function unreact(scene: Scene) {
  const { key: who, person } = anyone(scene);
  const reaction = reactionOf(who, scene.random.pick(EMOJI));
  const said = target(scene, "matrix", ({ reactions }) => reactions.get(reaction) === true);
  const event = said && reactionEvents.get(said)?.get(reaction);
  if (!said || !event) return null;
  const id = `unreact-${scene.random.between(0, 2 ** 30)}`;
  return {
    lane: person.name,
    run: async () => {
      await person.ask("PUT", `${inRoom(scene)}/redact/${encodeURIComponent(event)}/${id}`, {});
      said.reactions.set(reaction, false);
    },
  };
}

/** The stranger who comes and goes is invited, leaves or is removed; users of the chat are removed, too. */
function move(scene: Scene) {
  const { cast, random, room } = scene;
  const [owner] = cast.signedIn as [MatrixOne];
  const [, guest] = cast.strangers as [MatrixOne, MatrixOne];
  const who = random.pick([guest.key, ...cast.people.slice(3).map(({ key }) => key)]);
  const isOwn = random.chance(0.5);
  const isHere = room.here.has(who);
  const account = cast.accountOf(who);
  return {
    lane: owner.person.name,
    run: async () => {
      if (!isHere && who === guest.key) await invite(owner, guest, room);
      else if (!isHere) await owner.person.ask("POST", `${inRoom(scene)}/invite`, { user_id: account });
      else if (isOwn && who === guest.key) await guest.person.ask("POST", `${inRoom(scene)}/leave`, {});
      else await owner.person.ask("POST", `${inRoom(scene)}/kick`, { user_id: account });
    },
  };
}

function rename(scene: Scene) {
  const [owner] = scene.cast.signedIn as [MatrixOne];
  const name = `Named ${someWords(scene.random)}`;
  return {
    lane: owner.person.name,
    run: async () => void (await owner.person.ask("PUT", `${inRoom(scene)}/state/m.room.name/`, { name })),
  };
}

/** What the chat has no kind of, and shows as a line. */
function line(scene: Scene, type: string, sign: string, content: Content) {
  const { person } = scene.cast.strangers[0] as MatrixOne;
  const id = `line-${scene.random.between(0, 2 ** 30)}`;
  if (scene.room.isStrict) return null;
  return {
    lane: person.name,
    run: async () => {
      await person.ask("PUT", `${inRoom(scene)}/send/${type}/${id}`, content);
      const key = `${scene.room.token} ${sign}`;
      scene.book.lines.set(key, (scene.book.lines.get(key) ?? 0) + 1);
    },
  };
}

function reply(scene: Scene) {
  const said = target(scene, "matrix");
  return said && send(scene, { relation: { "m.in_reply_to": { event_id: said.eventId } } });
}

function inThread(scene: Scene) {
  const said = target(scene, "matrix", (one) => !one.inThread);
  if (!said) return null;
  const root = { rel_type: "m.thread", event_id: said.eventId, is_falling_back: true };
  const relation = { ...root, "m.in_reply_to": { event_id: said.eventId } };
  return send(scene, { inThread: true, relation });
}

const poll = (question: string) => ({
  "m.poll": {
    ...{ question: { "m.text": [{ body: question }] }, kind: "m.disclosed", max_selections: 1 },
    answers: ["Pizza", "Soup"].map((text, n) => ({ "m.id": `${n}`, "m.text": [{ body: text }] })),
  },
  "m.text": [{ body: question }],
});
const formatted = (body: string) => {
  const html = `<p>${body.replace(/^(\S+) (.*)$/, "$1 <strong>$2</strong>")} and <code>code</code></p>`;
  const text = `${body} and code`;
  return { msgtype: "m.text", body: text, format: "org.matrix.custom.html", formatted_body: html };
};
const place = (body: string) => ({ msgtype: "m.location", body, geo_uri: "geo:52.5,13.4" });
const CIPHER = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x", session_id: "y", sender_key: "z" };
const CALL = {
  call_id: "1",
  version: "1",
  lifetime: 60_000,
  offer: { type: "offer", sdp: "" },
  party_id: "1",
};

export const MATRIX_KINDS: readonly Kind[] = [
  [28, "text", (scene) => send(scene)],
  [6, "formatted text", (scene) => send(scene, { content: formatted, wording: "loose" })],
  [2, "notice", (scene) => send(scene, { content: (body) => ({ msgtype: "m.notice", body }) })],
  [
    2,
    "emote",
    (scene) => send(scene, { content: (body) => ({ msgtype: "m.emote", body }), wording: "loose" }),
  ],
  [9, "reply", reply],
  [7, "answer in a thread", inThread],
  [4, "file", (scene) => withFile(scene, "there")],
  [2, "late file", (scene) => withFile(scene, "late")],
  [1, "file that never comes", (scene) => withFile(scene, "never")],
  [2, "sticker", (scene) => send(scene, { type: "m.sticker", file: "there", content: (body) => ({ body }) })],
  [2, "poll", (scene) => send(scene, { type: "m.poll.start", content: poll, wording: "loose" })],
  [2, "location", (scene) => send(scene, { content: place, wording: "loose" })],
  [1, "encrypted message", (scene) => line(scene, "m.room.encrypted", "🔒", CIPHER)],
  [1, "call", (scene) => line(scene, "m.call.invite", "📞", CALL)],
  [10, "edit", edit],
  [5, "redaction", remove],
  [11, "reaction", react],
  [5, "removed reaction", unreact],
  [3, "member comes or goes", move],
  [1, "name", rename],
];
