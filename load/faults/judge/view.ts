/** What a client holds of a room: the events that it was given, from where it began or was last told to begin anew. */

export interface Seen {
  seq: number;
  /** The event's own time. */
  at: number;
  type: string;
  id: string | null;
  /** Milliseconds since the run began. */
  seenAt: number;
}

export class View {
  readonly client: string;
  readonly room: string;
  /** Gaps, doubles and disorder as they were seen, in words. */
  readonly faults: { seq: number; seenAt: number; what: string }[] = [];
  #entries: Seen[] = [];
  #last: number;
  #at: number | null;
  #resets = 0;

  /**
   * @param head the last seq that the client does not hold: the next event is `head + 1`
   * @param at the time of the event at `head`, where it is known
   */
  constructor(client: string, room: string, head: number, at: number | null = null) {
    this.client = client;
    this.room = room;
    this.#last = head;
    this.#at = at;
  }

  /** The last seq that the client processed. */
  get last(): number {
    return this.#last;
  }

  get entries(): readonly Seen[] {
    return this.#entries;
  }

  /** How often the client was told that what it holds can't be continued. */
  get resets(): number {
    return this.#resets;
  }

  /** The time of the event at `last`, which proves to a server which history this is; null where it is not known. */
  get at(): number | null {
    return this.#at;
  }

  /** Takes an event as it comes. Returns false when it may not be shown: it came again or too early. */
  take(event: Seen): boolean {
    if (event.seq !== this.#last + 1) {
      const what = event.seq <= this.#last ? "came again or late" : "came too early";
      this.faults.push({ seq: event.seq, seenAt: event.seenAt, what: `${what}, after ${this.#last}` });
      if (event.seq <= this.#last) return false;
    }
    this.#entries.push(event);
    this.#last = event.seq;
    this.#at = event.at;
    return true;
  }

  /** The client was told to forget what it holds; events go on after `head`. */
  told(head: number, at: number | null = null): void {
    this.#entries = [];
    this.#last = head;
    this.#at = at;
    this.#resets++;
  }
}
