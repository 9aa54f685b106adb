// A bot that answers "!roll 2d6" in every room that it is a member of.
//
//   npm install @causeway/client ws
//   CAUSEWAY_TOKEN=… node bot.mjs wss://chat.example.org/ws        (a personal access token)
//
// It keeps how far it came in a file. After a restart it answers what was asked meanwhile, and nothing twice: the id of an
// answer follows from the question, and a message with an id that is known already is not stored again.
import { readFile, rename, writeFile } from "node:fs/promises";
import { createClient } from "@causeway/client";
import { WebSocket } from "ws";

const [url, token] = [process.argv[2], process.env.CAUSEWAY_TOKEN];
if (!url || !token) {
  console.error("usage: CAUSEWAY_TOKEN=… node bot.mjs wss://HOST/ws");
  process.exit(1);
}
const FILE = process.env.CURSOR_FILE ?? "bot-cursor.json";
const store = {
  load: () => readFile(FILE, "utf8").then(JSON.parse, () => null),
  async save(cursor) {
    await writeFile(`${FILE}.new`, JSON.stringify(cursor));
    await rename(`${FILE}.new`, FILE);
  },
};
const client = createClient({
  url,
  token,
  device: "dice bot",
  WebSocket,
  store,
});

client.on("event", async ({ type, room, seq, actor, data }) => {
  if (type !== "message" || data.deleted || actor.id === client.user.id) return;
  const asked = /^!roll(?: (\d{1,2})d(\d{1,3}))?$/.exec(data.text);
  if (!asked) return;
  const [, count = 1, sides = 6] = asked;
  const dice = Array.from({ length: Number(count) }, () => 1 + Math.floor(Math.random() * Number(sides)));
  const text = `🎲 ${dice.join(" + ")} = ${dice.reduce((sum, die) => sum + die, 0)}`;
  const answer = { room, id: `roll-${seq}`, text, replyTo: seq, mentions: [actor.id] };
  // A room may be read-only; the bot goes on in the others.
  await client.send(answer).catch((error) => console.error(`${room}: ${error.message}`));
});
client.on("state", ({ name, code, reason }) => {
  console.log(reason ? `${name}: ${reason}` : name);
  // 1000 is the bot's own `disconnect`.
  if (name === "ended" && code !== 1000) process.exitCode = 1;
});
process.once("SIGTERM", () => client.disconnect());
// `state` has told why when it rejects.
await client.connect().catch(() => undefined);
