/**
 * Who looks at a room, who types in it, and how far everybody has read: what flows while the room is open [GW-8.1]. How far they have
 * read is kept on the device.
 */
import type { PresenceFrame, ReceiptFrame, TypingFrame, WireActor } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { type Observable, observe } from "../emitter.ts";
import type { OpenedRoom } from "../options.ts";

/** Typing that nobody ended is over after this time: the end may have been lost. */
const TYPING_ENDS_MS = LIMITS.TYPING_MS + 2_000;

/** How far a member has read, and how far their devices have the room's events, where that is known. */
export type ReadPosition = Readonly<OpenedRoom["reads"][number] & { delivered?: number }>;

/** Where the positions of readers are kept. */
export interface KeptReads {
  load(): Promise<readonly ReadPosition[]>;
  /** @param reads asked when they are written */
  save(reads: () => readonly ReadPosition[]): void;
}

export class LiveRoom {
  readonly #typing = new Map<string, { actor: WireActor; timer: ReturnType<typeof setTimeout> }>();
  readonly #present = new Map<string, WireActor>();
  readonly #reads = new Map<string, ReadPosition>();
  readonly #shownTyping = observe(() => [...this.#typing.values()].map(({ actor }) => actor));
  readonly #shownPresent = observe(() => [...this.#present.values()]);
  readonly #shownReads = observe(() => [...this.#reads.values()]);
  /** The user's id, who is not told that they type themselves. */
  readonly #me: () => string;
  readonly #kept: KeptReads;
  #loaded: Promise<void> | null = null;

  constructor(me: () => string, kept: KeptReads) {
    this.#me = me;
    this.#kept = kept;
  }

  /** Who types, beside the user. */
  get typing(): Observable<readonly WireActor[]> {
    return this.#shownTyping;
  }

  /** Who looks at the room. */
  get presence(): Observable<readonly WireActor[]> {
    return this.#shownPresent;
  }

  /** How far each member has read, as the device has it until a session tells. */
  readonly receipts: Observable<readonly ReadPosition[]> = {
    getSnapshot: () => this.#shownReads.getSnapshot(),
    subscribe: (listener) => {
      this.load().catch(() => undefined);
      return this.#shownReads.subscribe(listener);
    },
  };

  /** Reads once what the device has. */
  load(): Promise<void> {
    this.#loaded ??= this.#kept.load().then(
      (reads) => {
        if (this.#reads.size === 0) this.#replaceReads(reads);
      },
      (error: unknown) => {
        this.#loaded = null;
        throw error;
      },
    );
    return this.#loaded;
  }

  /** The places that are known are those of another log, or of a room that the user has left. */
  forgetReads(): void {
    // What is still being read from the device is of before, too.
    this.#loaded = Promise.resolve();
    this.#replaceReads([]);
  }

  opened({ present, typing, reads }: OpenedRoom): void {
    this.ended();
    for (const actor of present) this.#present.set(nameOf(actor), actor);
    for (const actor of typing) this.#types(actor);
    this.#replaceReads(reads);
    this.#kept.save(() => [...this.#reads.values()]);
  }

  /** Nothing more is heard of who is there until the room is opened again. */
  ended(): void {
    for (const { timer } of this.#typing.values()) clearTimeout(timer);
    this.#typing.clear();
    this.#present.clear();
    this.#shownTyping.changed();
    this.#shownPresent.changed();
  }

  takeTyping({ actor, on }: Pick<TypingFrame, "actor" | "on">): void {
    clearTimeout(this.#typing.get(nameOf(actor))?.timer);
    this.#typing.delete(nameOf(actor));
    if (on) this.#types(actor);
    this.#shownTyping.changed();
  }

  takePresence({ actor, gone }: Pick<PresenceFrame, "actor" | "gone">): void {
    if (gone) this.#present.delete(nameOf(actor));
    else this.#present.set(nameOf(actor), actor);
    this.#shownPresent.changed();
  }

  takeReceipt({ actor, read, delivered }: Pick<ReceiptFrame, "actor" | "read" | "delivered">): void {
    const known = this.#reads.get(nameOf(actor));
    // Neither marker goes back, whatever the order in which they are heard of.
    const seq = Math.max(read, known?.seq ?? 0);
    this.#reads.set(nameOf(actor), {
      actor,
      seq,
      delivered: Math.max(delivered, seq, known?.delivered ?? 0),
    });
    this.#shownReads.changed();
    this.#kept.save(() => [...this.#reads.values()]);
  }

  #replaceReads(reads: readonly ReadPosition[]): void {
    this.#reads.clear();
    for (const position of reads) this.#reads.set(nameOf(position.actor), position);
    this.#shownReads.changed();
  }

  #types(actor: WireActor): void {
    if (actor.kind === "user" && actor.id === this.#me()) return;
    const timer = setTimeout(() => this.takeTyping({ actor, on: false }), TYPING_ENDS_MS);
    this.#typing.set(nameOf(actor), { actor, timer });
  }
}

function nameOf({ kind, id }: WireActor): string {
  return `${kind}:${id}`;
}
