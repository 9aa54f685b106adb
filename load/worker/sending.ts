/**
 * How a worker sends. `sendSteadily` is an open loop: the schedule never waits for the server, and each latency counts
 * from the time at which its message was meant to go out, so that a stall shows in full (no coordinated omission).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Dialect } from "../dialects/dialect.ts";
import { now } from "../measuring/clock.ts";
import { fillerFor, stampedText } from "../measuring/stamp.ts";
import type { FillOrder, Sample, SendOrder, Sent } from "../orders.ts";
import type { Fleet } from "./fleet.ts";
import type { Member } from "./member.ts";
import { dueSends } from "./schedule.ts";

interface Pair {
  member: Member;
  room: string;
  /** The highest seq acknowledged to it. */
  seq: number;
}

const TICK_MS = 1;
/** A late schedule catches up in steps, so that answers are read in between. */
const SENDS_PER_TICK = 500;
const SAMPLE_MS = 250;
/** Answers that are still under way when the schedule ends. */
const LAST_ANSWERS_MS = 10_000;

export interface Sending {
  /** How many (client, room) pairs can send. */
  senders(rooms: readonly string[] | undefined): number;
  steadily(order: SendOrder): Promise<Sent>;
  fill(order: FillOrder): Promise<Sent>;
  /** Where the rooms stand by what was acknowledged. */
  ackedHeads(): Record<string, number>;
}

export function createSending(fleet: Fleet, dialect: Dialect, onSample: (sample: Sample) => void): Sending {
  const { tally } = fleet;
  const pairs: Pair[] = [];
  let onAnswer: () => void = () => undefined;
  fleet.onAcked = (sender, seq) => {
    const pair = pairs[sender] as Pair;
    if (seq > pair.seq) pair.seq = seq;
    onAnswer();
  };

  function sendersIn(rooms: readonly string[] | undefined): [Member, string][] {
    const ready = fleet.members.filter((member) => member.isReady);
    return ready.flatMap((member) =>
      member.spec.rooms.flatMap((room): [Member, string][] =>
        !rooms || rooms.includes(room) ? [[member, room]] : [],
      ),
    );
  }

  /** Adds the pairs that may send, ordered so that sends in turn go to as many rooms and connections as there are. */
  function addPairs(rooms: readonly string[] | undefined): [first: number, count: number] {
    const first = pairs.length;
    const byRoom = new Map<string, Member[]>();
    for (const [member, room] of sendersIn(rooms)) byRoom.set(room, [...(byRoom.get(room) ?? []), member]);
    const most = Math.max(0, ...[...byRoom.values()].map((members) => members.length));
    for (let n = 0; n < most; n++) {
      for (const [room, members] of byRoom) {
        const member = members[n];
        if (member) pairs.push({ member, room, seq: 0 });
      }
    }
    return [first, pairs.length - first];
  }

  function send(sender: number, idPrefix: string, text: string, at: number): boolean {
    const { member, room } = pairs[sender] as Pair;
    if (!member.isReady || tally.isFull) return false;
    const ref = tally.send(at, sender);
    member.send(dialect.send(ref, room, `${idPrefix}${ref}`, text));
    return true;
  }

  async function steadily(order: SendOrder): Promise<Sent> {
    const [first, count] = addPairs(order.rooms);
    if (count === 0 && order.rate > 0) throw new Error("no client of this worker is in the rooms to send to");
    const filler = fillerFor(order.size);
    const measureAt = order.startAt + order.warmupMs;
    const endAt = measureAt + order.durationMs;
    tally.startWindow(measureAt, endAt);
    const sampling = setInterval(() => onSample(tally.sample()), SAMPLE_MS);
    await delay(Math.max(0, order.startAt - now()));
    let turn = 0;
    const sendUntil = async (end: number) => {
      for (;;) {
        const due = dueSends(order.rate, now() - order.startAt, end - order.startAt);
        const stop = Math.min(due, turn + SENDS_PER_TICK);
        for (; turn < stop; turn++) {
          const at = order.startAt + (turn * 1000) / order.rate;
          send(first + (turn % count), order.idPrefix, stampedText(filler, at), at);
        }
        if (now() >= end && turn >= due) return;
        await (turn < due ? new Promise(setImmediate) : delay(TICK_MS));
      }
    };
    await sendUntil(measureAt);
    tally.mark();
    const before = turn;
    await sendUntil(endAt);
    const window = tally.window(turn - before);
    await answersIn(LAST_ANSWERS_MS);
    clearInterval(sampling);
    onSample(tally.sample());
    return whole(window);
  }

  async function fill({ room, count, window, size, idPrefix, limitMs }: FillOrder): Promise<Sent> {
    const [first, senders] = addPairs([room]);
    if (senders === 0) throw new Error(`no client of this worker is in ${room}`);
    const filler = fillerFor(size);
    const goal = tally.acked + count;
    const deadline = now() + limitMs;
    let turn = 0;
    tally.startWindow(now(), deadline);
    tally.mark();
    const sampling = setInterval(() => onSample(tally.sample()), SAMPLE_MS);
    const top = () => {
      while (tally.outstanding < window && tally.acked + tally.outstanding < goal) {
        const at = now();
        if (!send(first + (turn++ % senders), idPrefix, stampedText(filler, at), at)) return;
      }
    };
    onAnswer = top;
    top();
    // The tick goes on where refused sends left the window open.
    while (tally.acked < goal && now() < deadline) {
      await delay(10);
      top();
    }
    onAnswer = () => undefined;
    clearInterval(sampling);
    onSample(tally.sample());
    return whole(tally.window(count));
  }

  async function answersIn(limitMs: number): Promise<void> {
    const deadline = now() + limitMs;
    while (tally.outstanding > 0 && now() < deadline) await delay(TICK_MS);
  }

  function whole(window: ReturnType<typeof tally.window>): Sent {
    return {
      ...window,
      refused: { ...tally.refusedBy },
      unanswered: tally.outstanding,
      ackLatency: tally.ack.encode(),
      deliveryLatency: tally.delivery.encode(),
      lateness: tally.lateness.encode(),
    };
  }

  function ackedHeads(): Record<string, number> {
    const heads: Record<string, number> = {};
    for (const { room, seq } of pairs) heads[room] = Math.max(heads[room] ?? 0, seq);
    return heads;
  }

  return { senders: (rooms) => sendersIn(rooms).length, steadily, fill, ackedHeads };
}
