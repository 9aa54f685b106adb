/** The proof that nothing was lost, doubled or turned round, told as plain lists so that a failure shows what broke. */
import { expect } from "vitest";
import type { Burst } from "./burst.ts";
import type { MatrixReader } from "./matrix-reader.ts";
import type { SocketClient, WireEvent } from "./socket-client.ts";

/**
 * Waits until every client has everything, then holds that
 * - the log of each room has no gap and no double,
 * - every acknowledged message stands in it once, at the seq and under the id that the acknowledgement named,
 * - no message stands in it twice, acknowledged or not,
 * - every client saw this log from where it began, in this order, without gap or double.
 * @returns the log of each room as the server tells it
 */
export async function proveOneLog(
  clients: readonly SocketClient[],
  bursts: readonly Burst[],
  rooms: readonly string[],
): Promise<Map<string, WireEvent[]>> {
  const [first] = clients;
  if (!first) throw new Error("the proof needs a client");
  const logs = new Map<string, WireEvent[]>();
  for (const room of rooms) {
    const log = await first.history(room);
    logs.set(room, log);
    proveGapless(room, log);
    const head = log.at(-1)?.seq ?? 0;
    for (const client of clients) {
      await client.until(`${room} up to ${head}`, () => client.last(room) >= head);
      proveSeen(client, room, log);
    }
  }
  for (const each of bursts) proveAcknowledged(each, logs);
  expect(clients.flatMap((client) => client.faults.map((fault) => `${client.name}: ${fault}`))).toEqual([]);
  return logs;
}

function proveGapless(room: string, log: readonly WireEvent[]): void {
  const start = log[0]?.seq ?? 1;
  const seqs = log.map((event) => event.seq);
  expect(seqs, `seqs of ${room}`).toEqual(log.map((_, index) => start + index));
}

function proveSeen(client: SocketClient, room: string, log: readonly WireEvent[]): void {
  const seen = client.log(room);
  const from = seen[0]?.seq ?? Number.POSITIVE_INFINITY;
  const to = log.at(-1)?.seq ?? 0;
  const brief = (events: readonly WireEvent[]) =>
    events
      .filter(({ seq }) => seq >= from && seq <= to)
      .map(({ seq, type, id, data }) => `${seq} ${type} ${id ?? ""} ${JSON.stringify(data)}`);
  expect(brief(seen), `${room} as ${client.name} saw it`).toEqual(brief(log));
}

function proveAcknowledged(each: Burst, logs: ReadonlyMap<string, readonly WireEvent[]>): void {
  const wrong: string[] = [];
  for (const message of each.messages) {
    const found = (logs.get(message.room) ?? []).filter(
      (event) => event.type === "message" && event.data.text === message.text,
    );
    const ack = each.acked.get(message.id);
    const once = ack ? found.length === 1 : found.length <= 1;
    if (!once) wrong.push(`${message.id} stands ${found.length} times in the log`);
    if (ack && (found[0]?.seq !== ack.seq || found[0]?.id !== message.id)) {
      wrong.push(`${message.id} was acknowledged at ${ack.seq} and stands at ${found[0]?.seq}`);
    }
  }
  expect(wrong).toEqual([]);
}

/** Texts of the messages of a log, in order. */
export function textsOf(log: readonly WireEvent[]): string[] {
  return log.filter((event) => event.type === "message").map((event) => String(event.data.text));
}

/** Waits until the log's messages are in the Matrix room, then holds that it has the same texts once, in this order. */
export async function proveMirrored(
  reader: MatrixReader,
  matrixRoomId: string,
  log: readonly WireEvent[],
): Promise<void> {
  const texts = textsOf(log);
  const mirrored = await reader.untilTexts(matrixRoomId, texts);
  expect(mirrored.map(({ body }) => body)).toEqual(texts);
}
