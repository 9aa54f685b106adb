// A chat in the terminal.
//
//   npm install @causeway/client ws
//   node chat.mjs https://chat.example.org HANDLE        (asks for the password; or set CAUSEWAY_PASSWORD)
//
// Write a line to send it to the room. /rooms lists the rooms, /room 2 goes to the second, /quit ends.
import { createInterface } from "node:readline";
import { createClient, Refused, signIn } from "@causeway/client";
import { WebSocket } from "ws";

const [url, handle] = process.argv.slice(2);
if (!handle) fail("usage: node chat.mjs URL HANDLE");
const lines = createInterface({ input: process.stdin });
const nextLine = () => new Promise((resolve) => lines.once("line", resolve));

console.log("Password:");
const password = process.env.CAUSEWAY_PASSWORD ?? (await nextLine());
const login = await signIn({ url, handle, password }).catch((error) => fail(error.message));
const client = createClient({ ...login, WebSocket, device: "terminal" });
let room = null;

const commands = {
  rooms() {
    for (const [n, { name, unread }] of client.rooms.getSnapshot().entries())
      console.log(`${n + 1}. ${name}${unread > 0 ? ` (${unread} unread)` : ""}`);
  },
  async room(n) {
    room = client.rooms.getSnapshot()[Number(n) - 1] ?? room;
    if (!room) return console.log("There is no such room.");
    console.log(`— ${room.name} —`);
    const { events } = await client.history({ room: room.room, limit: 20 });
    for (const event of events) show(event);
  },
  async quit() {
    await login.signOut();
    process.exit();
  },
};

function fail(problem) {
  console.error(problem);
  process.exit(1);
}

function show({ type, room: token, seq, actor, data }) {
  if (type !== "message" || token !== room?.room) return;
  const files = data.attachments?.map(({ filename }) => `[${filename}]`) ?? [];
  console.log(`${actor.name}: ${data.deleted ? "(deleted)" : [data.text, ...files].join(" ")}`);
  // Where it is refused, the room is gone.
  client.read({ room: token, seq }).catch(() => undefined);
}

client.on("event", show);
client.on("state", ({ name, reason }) => console.log(`[${name}${reason ? `: ${reason}` : ""}]`));
const { user } = await client.connect();
console.log(`Hello, ${user.name}.`);
commands.rooms();
await commands.room(1);
lines.on("line", async (line) => {
  const [, command, argument] = /^\/(\w+)\s*(.*)/.exec(line) ?? [];
  try {
    if (command) await commands[command]?.(argument);
    else if (room && line.trim() !== "") await client.send(room.room, line);
  } catch (error) {
    console.log(error instanceof Refused ? `Refused: ${error.message}` : String(error));
  }
});
