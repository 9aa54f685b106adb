/** `kill -9` of the whole program in the middle of a burst of sends, and its restart. */
import { expect, test } from "vitest";
import { ackCount, acks, type Burst, runAll } from "../black-box/burst.ts";
import { matrixReader } from "../black-box/matrix-reader.ts";
import { commandsNaming, freePort } from "../black-box/processes.ts";
import { proveMirrored, proveOneLog } from "../black-box/proof.ts";
import { matrixRoomId } from "../black-box/provision.ts";
import { type ServerFleet, type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import type { WireEvent } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { type Crowd, gather } from "./crowd.ts";

const PER_SENDER = 80;
const TOTAL = 3 * PER_SENDER;

interface Killed {
  /** The server that was started in place of the killed one. */
  server: ServerProcess;
  crowd: Crowd;
  bursts: Burst[];
  logs: Map<string, WireEvent[]>;
  matrixRooms: string[];
}

/** Kills the server after 100 acknowledgements, restarts it, lets the clients finish and proves the logs. */
async function killInBurst(fleet: ServerFleet, first: ServerProcess): Promise<Killed> {
  await first.untilReady();
  const crowd = await gather([first.url], 3);
  const matrixRooms: string[] = [];
  for (const room of crowd.site.rooms) matrixRooms.push(await matrixRoomId(first.url, crowd.site, room));

  const bursts = crowd.bursts(PER_SENDER);
  const sent = runAll(bursts);
  await acks(bursts, 100);
  await first.kill9();
  const before = ackCount(bursts);
  expect(before, "the kill came in the middle").toBeLessThan(TOTAL);

  const server = await fleet.start({ ...first.settings });
  await sent;
  const retries = bursts.reduce((sum, each) => sum + each.retries(), 0);
  expect(retries, "sends that the kill caught in flight").toBeGreaterThan(0);
  console.log(`${before} of ${TOTAL} sends were acknowledged before the kill`);
  const logs = await proveOneLog(crowd.clients, bursts, crowd.rooms);
  for (const { client, resumes } of crowd.stays) {
    const resumed = resumes.flatMap((ready) => ready.resumed ?? []);
    expect(
      resumed.map(({ recovered }) => recovered),
      `${client.name} resumed`,
    ).toEqual([true, true, true]);
  }
  return { server, crowd, bursts, logs, matrixRooms };
}

/** Every room is in Matrix as its log stands, and the way back works. */
async function proveMatrix({ server, crowd, logs, matrixRooms }: Killed): Promise<void> {
  await server.untilReady();
  const writer = crowd.site.people[1]!;
  const reader = await matrixReader(server.url, writer);
  for (const [index, room] of crowd.rooms.entries()) {
    const matrixRoom = matrixRooms[index]!;
    await reader.enter(matrixRoom);
    await proveMirrored(reader, matrixRoom, logs.get(room)!);
    await reader.send(matrixRoom, `after-the-kill-${index}`, `Matrix is back in ${room}`);
    const event = await crowd.clients[0]!.message(room, `Matrix is back in ${room}`);
    expect(event.actor).toEqual({ kind: "user", id: String(writer.id), name: writer.name });
  }
}

describeWith(
  "synapseProgram",
  "kill -9 of the server in a burst of sends, embedded database and local Synapse",
  () => {
    const fleet = serverFleet();

    test("what was acknowledged is there once, in one order, for every client and in Matrix", async () => {
      const settings = { MATRIX_HOMESERVER_URL: "", MATRIX_PORT: String(await freePort()) };
      const first = await fleet.start(settings);
      await first.untilReady();
      const synapse = commandsNaming("synapse", first.dataDir);
      expect(synapse).not.toEqual([]);

      const killed = await killInBurst(fleet, first);
      await proveMatrix(killed);
      expect(commandsNaming("synapse", first.dataDir), "the same Synapse, adopted").toEqual(synapse);
      await killed.crowd.leave();
      const report = await killed.server.stop("SIGINT", "group");
      expect(report, "nothing is left, the adopted Synapse included").toMatchObject({ code: 0, left: [] });
    }, 600_000);
  },
);
