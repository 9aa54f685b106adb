/** One client: its connection, and what it has seen of each of its rooms. */

import { type Dialect, READING, type Reading, type Ready } from "../dialects/dialect.ts";
import { SeqChecker, type SeqFaults } from "../measuring/checker.ts";
import { now } from "../measuring/clock.ts";
import type { ClientSpec } from "../orders.ts";
import { Connection, type Endpoint } from "../websocket/connection.ts";
import type { Tally } from "./tally.ts";

export interface MemberListener {
  ready(member: Member): void;
  /** A send of this worker was acknowledged: with the pair that sent it, and its seq (0: unknown). */
  acked(sender: number, seq: number): void;
  /** Everything that was missed while the connection was cut has come. */
  recovered(member: Member): void;
  /** The connection ended, and not because we wanted it. */
  lost(member: Member, why: string): void;
}

export class Member {
  readonly spec: ClientSpec;
  readonly rooms = new Map<string, SeqChecker>();
  isReady = false;
  heartbeatMs = 0;
  /** Where each room ended at the first hello. */
  readonly #heads = new Map<string, { seq: number; at: number | null }>();
  /** Rooms for which the last resume was refused. */
  refusedRooms = 0;
  #connection: Connection | null = null;
  #epoch = "";
  #dialledAt = 0;
  readyMs = 0;
  /** Heads that a resume has to reach, by room; null: not resuming. */
  #targets: Map<string, number> | null = null;
  readonly #dialect: Dialect;
  readonly #tally: Tally;
  readonly #listener: MemberListener;
  readonly #take = (reading: Reading) => this.#handle(reading);

  constructor(spec: ClientSpec, dialect: Dialect, tally: Tally, listener: MemberListener) {
    this.spec = spec;
    this.#dialect = dialect;
    this.#tally = tally;
    this.#listener = listener;
  }

  /** Connects and says hello; resumes from what it has seen when it was ready before. */
  open(endpoint: Endpoint): void {
    this.#dialledAt = now();
    const connection = new Connection(endpoint, {
      open: () => connection.send(this.#dialect.hello(this.#hello())),
      frame: (bytes, start, end) => this.#dialect.read(bytes, start, end, this.#take),
      closed: (code, reason) => this.#closed(connection, `${code} ${reason}`.trim()),
    });
    this.#connection = connection;
  }

  send(text: string): void {
    this.#connection?.send(text);
  }

  cut(): void {
    this.#leave()?.cut();
  }

  close(): void {
    this.#leave()?.close();
  }

  /** What it has not seen, saw twice or out of order of the rooms whose heads are given. */
  faults(heads: Record<string, number>): SeqFaults[] {
    return [...this.rooms].map(([room, checker]) => checker.faults(heads[room] ?? 0));
  }

  isComplete(heads: Record<string, number>): boolean {
    for (const [room, checker] of this.rooms) if (!checker.isComplete(heads[room] ?? 0)) return false;
    return true;
  }

  #hello() {
    const { token, rooms } = this.spec;
    if (this.#epoch === "") return { token, rooms };
    const seen = Object.fromEntries(
      [...this.rooms].map(([room, checker]) => [room, this.#place(room, checker)]),
    );
    return { token, rooms, resume: { epoch: this.#epoch, rooms: seen } };
  }

  /** Its place in a room, with the event's time where it knows it: events are counted, and their times not read. */
  #place(room: string, { last }: SeqChecker): number | { seq: number; at: number } {
    const head = this.#heads.get(room);
    return head?.seq === last && head.at !== null ? { seq: last, at: head.at } : last;
  }

  #leave(): Connection | null {
    const connection = this.#connection;
    this.#connection = null;
    this.isReady = false;
    return connection;
  }

  #closed(connection: Connection, why: string): void {
    if (this.#connection !== connection) return;
    this.#leave();
    this.#listener.lost(this, why);
  }

  #handle(reading: Reading): void {
    switch (reading.kind) {
      case READING.event:
        this.#event(reading);
        break;
      case READING.answer:
        this.#answered(reading);
        break;
      case READING.refused:
        this.#refused(reading);
        break;
      case READING.ready:
        this.#ready(reading.ready as Ready);
        break;
      case READING.other:
        if (reading.reply !== null) this.#connection?.send(reading.reply);
    }
  }

  #event({ room, seq, sentAt }: Reading): void {
    const checker = this.rooms.get(room);
    if (!checker?.take(seq)) return;
    this.#tally.deliver(sentAt);
    if (this.#targets) this.#approach(room, checker);
  }

  #answered({ ref, seq }: Reading): void {
    const sender = this.#tally.answer(ref, null);
    if (sender !== -1) this.#listener.acked(sender, seq);
  }

  #refused({ ref, code }: Reading): void {
    if (this.#tally.answer(ref, code) === -1 && !this.isReady) {
      this.#leave()?.cut();
      this.#listener.lost(this, `hello was refused: ${code}`);
    }
  }

  #ready({ epoch, heartbeatMs, rooms, resumed }: Ready): void {
    this.isReady = true;
    this.#epoch = epoch;
    this.heartbeatMs = heartbeatMs;
    this.readyMs = now() - this.#dialledAt;
    if (this.rooms.size === 0) {
      for (const { room, head, at = null } of rooms) this.#heads.set(room, { seq: head, at });
      for (const room of this.spec.rooms)
        this.rooms.set(room, new SeqChecker(this.#heads.get(room)?.seq ?? 0));
    }
    if (resumed) this.#resume(resumed);
    this.#listener.ready(this);
  }

  #resume(resumed: NonNullable<Ready["resumed"]>): void {
    this.#targets = new Map();
    const answered = new Set(resumed.map(({ room }) => room));
    this.refusedRooms = [...this.rooms.keys()].filter((room) => !answered.has(room)).length;
    for (const { room, recovered, head } of resumed) {
      const checker = this.rooms.get(room);
      if (!checker) continue;
      if (!recovered) {
        this.refusedRooms++;
        checker.restart(head);
      } else if (!checker.isComplete(head)) this.#targets.set(room, head);
    }
    if (this.#targets.size === 0) this.#finishResume();
  }

  #approach(room: string, checker: SeqChecker): void {
    const head = this.#targets?.get(room);
    if (head === undefined || !checker.isComplete(head)) return;
    this.#targets?.delete(room);
    if (this.#targets?.size === 0) this.#finishResume();
  }

  #finishResume(): void {
    this.#targets = null;
    this.#listener.recovered(this);
  }
}
