/**
 * A process that sends until it is killed: opens the embedded database in the folder given, and prints a JSON line
 * `{"id", "seq"}` for every message that was acknowledged. The first line names the room.
 */
import { writeSync } from "node:fs";
import { startEmbedded } from "../../../dist/src/store/embedded/embedded.js";
import { openStore } from "../../../dist/src/store/postgres.js";

const [dataDir] = process.argv.slice(2);
const logger = { info: () => {}, warn: console.error, error: console.error };
const print = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

const embedded = await startEmbedded({ dataDir, logger });
const store = await openStore({ databaseUrl: embedded.url, maxConnections: 1, embedded: true, logger });
const room = await store.transaction(async (tx) => {
  const made = await tx.createRoom({
    ...{ organizationId: null, type: "group", kind: null, name: "Burst", history: "joined" },
    createdBy: "s:causeway",
  });
  await tx.putMembers(made.id, [{ member: "g:1", userId: null, name: "Guest", role: "guest" }]);
  return made;
});
const [head] = await store.log.heads([room.id]);
print({ room: room.id });

const sender = { kind: "guest", id: "1", name: "Guest" };
await Promise.all(
  Array.from({ length: 20 }, async (_, writer) => {
    for (let n = 0; ; n++) {
      const id = `${writer}-${n}`;
      const message = {
        roomId: room.id,
        accessVersion: head.accessVersion,
        sender,
        id,
        text: "Hello",
      };
      const { seq } = await store.log.append(message);
      print({ id, seq });
    }
  }),
);
