/** All clients of a worker: opened together, kept alive, cut and resumed together. */
import { setTimeout as delay } from "node:timers/promises";
import type { Dialect } from "../dialects/dialect.ts";
import { addFaults, type SeqFaults } from "../measuring/checker.ts";
import { now } from "../measuring/clock.ts";
import { createLatency } from "../measuring/latency.ts";
import { watchOwnLoad } from "../measuring/own-load.ts";
import type { ClientSpec, Opened, Orders, Recovery } from "../orders.ts";
import type { Endpoint } from "../websocket/connection.ts";
import { Member, type MemberListener } from "./member.ts";
import { Tally } from "./tally.ts";

/** A connection that is not ready after this time has failed. */
const OPEN_LIMIT_MS = 60_000;
const HEARTBEAT_TICK_MS = 100;
/** Heartbeats come a little before they are due. */
const HEARTBEAT_SHARE = 0.8;
const COMPLETE_TICK_MS = 20;

export class Fleet {
  readonly members: Member[] = [];
  readonly tally = new Tally();
  /** Called for each acknowledged send. */
  onAcked: (sender: number, seq: number) => void = () => undefined;
  /** Connections that ended unasked, by reason. */
  readonly lost: Record<string, number> = {};
  readonly #endpoint: Endpoint;
  readonly #dialect: Dialect;
  readonly #waiting = new Map<Member, (failure: string | null) => void>();
  readonly #recovering = new Map<Member, () => void>();
  readonly #heartbeat: NodeJS.Timeout;
  #beatCursor = 0;
  #beatsDue = 0;
  readonly #listener: MemberListener = {
    ready: (member) => this.#settleOpening(member, null),
    acked: (sender, seq) => this.onAcked(sender, seq),
    recovered: (member) => this.#recovering.get(member)?.(),
    lost: (member, why) => this.#noteLost(member, why),
  };

  constructor(dialect: Dialect, endpoint: Omit<Endpoint, "path" | "protocol">) {
    this.#dialect = dialect;
    const { path, protocol } = dialect;
    this.#endpoint = { ...endpoint, path, ...(protocol !== undefined && { protocol }) };
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_TICK_MS);
  }

  async open(clients: readonly ClientSpec[], inFlight: number): Promise<Opened> {
    const latency = createLatency();
    const fresh = clients.map((spec) => new Member(spec, this.#dialect, this.tally, this.#listener));
    this.members.push(...fresh);
    const failures = await this.#openAll(fresh, inFlight, (member) => latency.recordMs(member.readyMs));
    return { ready: fresh.filter((member) => member.isReady).length, failures, latency: latency.encode() };
  }

  cut(): number {
    const cut = this.members.filter((member) => !member.spec.stays);
    for (const member of cut) member.cut();
    return cut.length;
  }

  async resume({ inFlight, limitMs, spreadMs }: Orders["resume"]["order"]): Promise<Recovery> {
    const since = now();
    const load = watchOwnLoad();
    const latency = createLatency();
    const deliveredBefore = this.tally.delivered;
    const cut = this.members.filter((member) => !member.isReady);
    let lastMs = 0;
    const recovered = new Set<Member>();
    const everybody = new Promise<void>((done) => {
      for (const member of cut) {
        this.#recovering.set(member, () => {
          lastMs = now() - since;
          latency.recordMs(lastMs);
          recovered.add(member);
          if (recovered.size === cut.length) done();
        });
      }
      setTimeout(done, limitMs).unref();
    });
    const failures = await this.#openAll(cut, inFlight, () => undefined, spreadMs);
    if (Object.keys(failures).length === 0 && cut.length > 0) await everybody;
    this.#recovering.clear();
    return {
      sessions: cut.length,
      recovered: [...recovered].filter((member) => member.refusedRooms === 0).length,
      refusedRooms: cut.reduce((sum, member) => sum + member.refusedRooms, 0),
      events: this.tally.delivered - deliveredBefore,
      failures,
      latency: latency.encode(),
      lastMs,
      load: load.read(),
    };
  }

  /** The highest seq that any client saw of each room. */
  heads(): Record<string, number> {
    const heads: Record<string, number> = {};
    for (const { rooms } of this.members) {
      for (const [room, { last }] of rooms) heads[room] = Math.max(heads[room] ?? 0, last);
    }
    return heads;
  }

  /** Waits until everybody has seen everything, at most `limitMs`, and counts what is wrong. */
  async settle(heads: Record<string, number>, limitMs: number): Promise<SeqFaults & { checked: number }> {
    const deadline = now() + limitMs;
    let incomplete = this.members;
    for (;;) {
      incomplete = incomplete.filter((member) => !member.isComplete(heads));
      if (incomplete.length === 0 || now() > deadline) break;
      await delay(COMPLETE_TICK_MS);
    }
    const faults = this.members.flatMap((member) => member.faults(heads));
    return { ...addFaults(faults), checked: faults.length };
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const member of this.members) member.close();
  }

  async #openAll(
    members: readonly Member[],
    inFlight: number,
    onReady: (member: Member) => void,
    spreadMs = 0,
  ): Promise<Record<string, number>> {
    const failures: Record<string, number> = {};
    const since = now();
    const queue = members.entries();
    const lane = async () => {
      for (const [index, member] of queue) {
        const early = since + (index * spreadMs) / members.length - now();
        if (early > 0) await delay(early);
        const failure = await this.#openOne(member);
        if (failure === null) onReady(member);
        else failures[failure] = (failures[failure] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, inFlight) }, lane));
    return failures;
  }

  /** Resolves with null when it is ready, or with the reason why it is not. */
  #openOne(member: Member): Promise<string | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settleOpening(member, "not ready in time"), OPEN_LIMIT_MS);
      this.#waiting.set(member, (failure) => {
        clearTimeout(timer);
        if (failure !== null) member.cut();
        resolve(failure);
      });
      member.open(this.#endpoint);
    });
  }

  #settleOpening(member: Member, failure: string | null): void {
    const settle = this.#waiting.get(member);
    this.#waiting.delete(member);
    settle?.(failure);
  }

  #noteLost(member: Member, why: string): void {
    if (this.#waiting.has(member)) this.#settleOpening(member, why);
    else this.lost[why] = (this.lost[why] ?? 0) + 1;
  }

  /** Spreads the heartbeats of all clients evenly over time. */
  #beat(): void {
    const every = (this.members[0]?.heartbeatMs ?? 0) * HEARTBEAT_SHARE;
    if (every === 0) return;
    this.#beatsDue += (this.members.length * HEARTBEAT_TICK_MS) / every;
    for (; this.#beatsDue >= 1; this.#beatsDue--) {
      const member = this.members[this.#beatCursor++ % this.members.length];
      const ping = this.#dialect.ping(0);
      if (member?.isReady && ping !== null) member.send(ping);
    }
  }
}
