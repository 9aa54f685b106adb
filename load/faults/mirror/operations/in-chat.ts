/** What people do in the chat. */
import { uploadFile } from "../../../../src/client/commands/uploads.ts";
import type { Said } from "../book.ts";
import type { ChatPerson, MatrixOne } from "../cast.ts";
import { reactionOf } from "../view.ts";
import { type Kind, mayDelete, type Scene, someWords, target } from "./operation.ts";

const EMOJI = ["👍", "😂", "🎉"] as const;
/** People who stay in every room come first; the last ones come and go. */
const STAYING = 3;

interface Sending {
  wording?: Said["wording"];
  inThread?: boolean;
  /** What `send` says beside the text. */
  more?: Record<string, unknown>;
  files?: string[];
  text?: (token: string, words: string) => string;
}

function send(scene: Scene, sending: Sending = {}) {
  const { book, random, room } = scene;
  const who = present(scene);
  const said = random.next();
  const words = someWords(random);
  return {
    lane: `${who.key} ${room.token}`,
    run: async () => {
      const { wording = "exact", inThread = false, more = {}, files = [] } = sending;
      const one = book.add({
        room: room.token,
        by: who.key,
        side: "chat",
        what: scene.name,
        wording,
        inThread,
      });
      const text = sending.text?.(one.token, words) ?? `${one.token} ${words}`;
      one.texts.set("first", text);
      const attachments: string[] = [];
      for (const name of files) attachments.push(await upload(who, `${one.token} ${name}`, `${said}`));
      const question = { op: "send" as const, room: room.token, id: one.token, text, ...more };
      const { seq } = await who.ask<"send">({ ...question, ...(attachments.length > 0 && { attachments }) });
      one.isTaken = true;
      one.seq = seq;
    },
  };
}

async function upload({ client }: ChatPerson, filename: string, content: string): Promise<string> {
  const file = new TextEncoder().encode(content);
  return (await uploadFile(client, { file, filename, type: "text/plain" })).id;
}

function present({ cast, random, room }: Scene): ChatPerson {
  return random.pick(cast.people.filter(({ key }) => room.here.has(key)));
}

function personOf({ cast }: Scene, key: string): ChatPerson | undefined {
  return cast.people.find((person) => person.key === key);
}

function edit(scene: Scene) {
  const said = target(
    scene,
    "chat",
    ({ by, wording }) => wording === "exact" && personOf(scene, by) !== undefined,
  );
  const who = said && personOf(scene, said.by);
  if (!said || !who) return null;
  const text = `${said.token} edited ${someWords(scene.random)}`;
  return {
    lane: `${who.key} ${said.room}`,
    run: async () => {
      await who.ask({ op: "edit", room: said.room, seq: said.seq, text, format: null });
      said.texts.set("chat", text);
    },
  };
}

function remove(scene: Scene) {
  const who = present(scene);
  const said = target(scene, "chat", (one) => mayDelete(who.key, scene.cast, one));
  if (!said) return null;
  return {
    lane: `${who.key} ${said.room}`,
    run: async () => {
      await who.ask({ op: "delete", room: said.room, seq: said.seq });
      said.isDeleted = true;
    },
  };
}

function react(scene: Scene, isOn: boolean) {
  const who = present(scene);
  const name = scene.random.pick(EMOJI);
  const key = reactionOf(who.key, name);
  const said = target(scene, "chat", ({ reactions }) => isOn || reactions.get(key) === true);
  if (!said) return null;
  return {
    lane: `${who.key} ${said.room}`,
    run: async () => {
      await who.ask({ op: isOn ? "react" : "unreact", room: said.room, seq: said.seq, name });
      said.reactions.set(key, isOn);
    },
  };
}

/** Somebody who comes and goes comes or goes, by the owner's hand or their own. */
function move(scene: Scene) {
  const { cast, random, room } = scene;
  const [owner] = cast.people as [ChatPerson];
  const who = random.pick([...cast.people.slice(STAYING), cast.strangers[1] as MatrixOne]);
  const isAsked = random.chance(0.4);
  const isHere = room.here.has(who.key);
  // Who is of Matrix comes by an invitation from there.
  if (!isHere && !("client" in who)) return null;
  return {
    lane: `${owner.key} ${room.token}`,
    run: async () => {
      if (!isHere) await owner.ask({ op: "member.add", room: room.token, users: [who.key.slice(1)] });
      else if (isAsked && "client" in who) await who.ask({ op: "room.leave", room: room.token });
      else await owner.ask({ op: "member.remove", room: room.token, user: who.key.replace(/^u/, "") });
    },
  };
}

function role(scene: Scene) {
  const { cast, random, room } = scene;
  const [owner, ...others] = cast.people as [ChatPerson, ...ChatPerson[]];
  const who = random.pick(others);
  const question = { op: "member.role" as const, room: room.token, user: who.id };
  const role = random.pick(["moderator", "user", "owner"] as const);
  return {
    lane: `${owner.key} ${room.token}`,
    run: async () => void (await owner.ask({ ...question, role })),
  };
}

function set(scene: Scene, change: Record<string, unknown>) {
  const { cast, room } = scene;
  const [owner] = cast.people as [ChatPerson];
  const question = { op: "room.set" as const, room: room.token, ...change };
  return { lane: `${owner.key} ${room.token}`, run: async () => void (await owner.ask(question)) };
}

/** The lobby, reading only, and who writes: on in the strict room alone, and off again as often. */
function rules(scene: Scene) {
  const isOn = scene.random.chance(0.5);
  const rule = scene.random.pick(["lobby", "readOnly", "posting"] as const);
  if (!scene.room.isStrict) return null;
  return set(scene, { [rule]: rule === "posting" ? (isOn ? "moderators" : "all") : isOn });
}

function answer(scene: Scene, field: "replyTo" | "thread") {
  const inThread = field === "thread";
  const said = target(scene, "chat", (one) => !inThread || !one.inThread);
  return said && send(scene, { inThread, more: { [field]: said.seq } });
}

const bold = (token: string, words: string) => `${token} **${words}** and \`code\``;

export const CHAT_KINDS: readonly Kind[] = [
  [28, "text", (scene) => send(scene)],
  [6, "formatted text", (scene) => send(scene, { text: bold, more: { format: "markdown" } })],
  [9, "reply", (scene) => answer(scene, "replyTo")],
  [7, "answer in a thread", (scene) => answer(scene, "thread")],
  [5, "files", (scene) => send(scene, { files: ["a.txt", "b.txt"].slice(0, scene.random.between(1, 2)) })],
  [2, "poll", (scene) => send(scene, { more: { type: "poll", data: { question: "Lunch?" } } })],
  [2, "location", (scene) => send(scene, { more: { type: "location", data: { uri: "geo:52.5,13.4" } } })],
  [12, "edit", edit],
  [5, "deletion", remove],
  [11, "reaction", (scene) => react(scene, true)],
  [5, "removed reaction", (scene) => react(scene, false)],
  [4, "member comes or goes", move],
  [2, "role", role],
  [1, "name", (scene) => set(scene, { name: `Named ${someWords(scene.random)}` })],
  [1, "description", (scene) => set(scene, { description: `About ${someWords(scene.random)}` })],
  [3, "rules", rules],
];
