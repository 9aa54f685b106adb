/** Rooms that wait for a turn. One turn at a time for each room, a few rooms side by side, the urgent ones first. */

export interface RoomQueue {
  /** Gives the room a turn, and one more when it is at its turn now. `urgent` goes before all that is not. */
  wake(id: number, urgent?: boolean): void;
  readonly size: number;
  /** No new turns; resolves when those under way have ended. */
  stop(): Promise<void>;
}

/** When the room wants its next turn: at once, after some milliseconds, or when it is woken. */
export type NextTurn = "now" | "later" | number;

export function createRoomQueue(parallel: number, turn: (id: number) => Promise<NextTurn>): RoomQueue {
  const urgent = new Set<number>();
  const waiting = new Set<number>();
  const running = new Map<number, Promise<void>>();
  /** Woken during their turn. */
  const again = new Map<number, boolean>();
  const timers = new Map<number, NodeJS.Timeout>();
  let stopped = false;

  function wake(id: number, isUrgent = false): void {
    if (stopped) return;
    clearTimeout(timers.get(id));
    timers.delete(id);
    if (running.has(id)) again.set(id, isUrgent || again.get(id) === true);
    else if (isUrgent || urgent.has(id)) {
      waiting.delete(id);
      urgent.add(id);
    } else waiting.add(id);
    fill();
  }

  function fill(): void {
    while (!stopped && running.size < parallel) {
      const from = urgent.size > 0 ? urgent : waiting;
      const [id] = from;
      if (id === undefined) return;
      from.delete(id);
      running.set(id, run(id));
    }
  }

  async function run(id: number): Promise<void> {
    const next = await turn(id);
    running.delete(id);
    if (!stopped) {
      const isUrgent = again.get(id);
      again.delete(id);
      if (isUrgent !== undefined) wake(id, isUrgent);
      else if (next === "now") wake(id);
      else if (next !== "later") timers.set(id, setTimeout(wake, next, id).unref());
    }
    fill();
  }

  return {
    wake,
    get size() {
      return urgent.size + waiting.size + running.size;
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
      await Promise.all(running.values());
    },
  };
}
