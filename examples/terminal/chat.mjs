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
if (!handle) throw new Error("usage: node chat.mjs URL HANDLE");
const lines = createInterface({ input: process.stdin });
const nextLine = () => new Promise((resolve) => lines.once("line", resolve));

console.log("Password:");
const password = process.env.CAUSEWAY_PASSWORD ?? (await nextLine());
const login = await signIn({ url, handle, password });
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
    client.disconnect();
    await login.signOut();
    process.exit();
  },
};

function show({ type, room: token, seq, actor, data }) {
  if (type !== "message" || token !== room?.room) return;
  console.log(`${actor.name}: ${data.deleted ? "(deleted)" : data.text}`);
  void client.read({ room: token, seq });
}

client.on("event", show);
client.on("state", ({ name, reason }) => console.log(`[${name}${reason ? `: ${reason}` : ""}]`));
const { user } = await client.connect();
console.log(`Hello, ${user.name}.`);
commands.rooms();
await commands.room(1);
lines.on("line", async (line) => {
  const [, command, argument] = /^\/(\w+)\s*(.*)/.exec(line) ?? [];
  if (command) return await commands[command]?.(argument);
  if (!room || line.trim() === "") return;
  await client.send(room.room, line).catch((error) => {
    console.log(error instanceof Refused ? `Not sent: ${error.message}` : String(error));
  });
});
