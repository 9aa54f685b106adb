/** Synapse dies and comes back while messages are on their way in both directions. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { runAll } from "../black-box/burst.ts";
import { type MatrixReader, matrixReader } from "../black-box/matrix-reader.ts";
import { commandsNaming, freePort, signalAll } from "../black-box/processes.ts";
import { proveOneLog, textsOf } from "../black-box/proof.ts";
import { matrixRoomId } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { type Crowd, gather } from "./crowd.ts";

const FROM_MATRIX = 40;
const PER_SENDER = 30;

describeWith("synapseProgram", "Synapse restarts with traffic in flight both ways", () => {
  const fleet = serverFleet();
  let server: ServerProcess;
  let crowd: Crowd;
  let matrixRoom: string;
  let writer: MatrixReader;

  beforeAll(async () => {
    server = await fleet.start({ MATRIX_HOMESERVER_URL: "", MATRIX_PORT: String(await freePort()) });
    await server.untilReady();
    crowd = await gather([server.url], 1);
    matrixRoom = await matrixRoomId(server.url, crowd.site, crowd.site.rooms[0]!);
    writer = await matrixReader(server.url, crowd.site.people[2]!);
    await writer.enter(matrixRoom);
  }, 600_000);
  afterAll(async () => {
    await crowd?.leave();
    await server?.stop();
  });

  /** Writes one after the other, again with the same transaction id until it is taken, as Matrix clients do. */
  async function writeToMatrix(label: string, breakAt: number, breakIt: () => void): Promise<string[]> {
    const texts: string[] = [];
    for (let n = 0; n < FROM_MATRIX; n++) {
      const text = `from Matrix ${label} ${n}`;
      texts.push(text);
      if (n === breakAt) breakIt();
      await writer.send(matrixRoom, `${label}-${n}`, text);
    }
    return texts;
  }

  test.each(["SIGTERM", "SIGKILL"] as const)(
    "%s: every message is in both places once",
    async (signal) => {
      const room = crowd.rooms[0]!;
      const synapse = commandsNaming("synapse", server.dataDir);
      expect(synapse).not.toEqual([]);
      const bursts = crowd.bursts(PER_SENDER, signal);
      const [fromMatrix] = await Promise.all([
        writeToMatrix(signal, 10, () => signalAll(synapse, signal)),
        runAll(bursts),
      ]);
      expect(commandsNaming("synapse", server.dataDir), "another Synapse").not.toEqual(synapse);

      for (const text of fromMatrix) await crowd.clients[0]!.message(room, text);
      const logs = await proveOneLog(crowd.clients, bursts, crowd.rooms);
      const log = logs.get(room)!;
      const mirrored = (await writer.untilTexts(matrixRoom, textsOf(log))).map(({ body }) => body);
      expect(mirrored.toSorted(), "the same texts in both, each once").toEqual(textsOf(log).toSorted());
      const native = (text: string) => !text.startsWith("from Matrix");
      expect(mirrored.filter(native), "messages of the log, in its order").toEqual(
        textsOf(log).filter(native),
      );
      const own = log.filter((event) => String(event.data.text).startsWith("from Matrix"));
      const carl = crowd.site.people[2]!;
      for (const { actor } of own)
        expect(actor).toEqual({ kind: "user", id: String(carl.id), name: carl.name });
    },
    300_000,
  );
});
