/** The room queue: rooms that wait for a room turn. A room has one turn at a time; urgent rooms go first. */

export interface RoomQueue {
  /** Queues a turn for the room; during its turn, one more turn after it. Urgent rooms go before all others. */
  wake(id: number, urgent?: boolean): void;
  readonly size: number;
  /** Starts no more turns. Resolves when the turns under way have ended. */
  stop(): Promise<void>;
}

/** When the room needs its next turn: at once, when it is woken (`later`), or after so many milliseconds. */
export type NextTurn = "now" | "later" | number;

/** @param parallel how many rooms have a turn at once; `turn` must not reject */
export function createRoomQueue(parallel: number, turn: (id: number) => Promise<NextTurn>): RoomQueue {
  const urgent = new Set<number>();
  const waiting = new Set<number>();
  const running = new Map<number, Promise<void>>();
  /** Rooms that were woken during their turn, and whether urgently. */
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
