/** Who else is in the open room: writing, looking at it, and how far they have read. Forgotten with the room. */
import type {
  EventFrame,
  PresenceFrame,
  ReceiptFrame,
  RoomNow,
  TypingFrame,
  WireActor,
} from "../protocol/frames.ts";
import { nameOf } from "./elements/names.ts";

/** Nobody says when somebody stopped to write or to look by losing the connection: it decays. */
const TYPING_MS = 8_000;
const PRESENT_MS = 90_000;

interface Person {
  actor: WireActor;
  typingUntil: number;
  presentUntil: number;
  read: number;
}

export class People {
  readonly #me: string;
  #people = new Map<string, Person>();

  /** @param me our own user id in decimal */
  constructor(me: string) {
    this.#me = me;
  }

  clear(): void {
    this.#people = new Map();
  }

  typing({ actor, on }: TypingFrame): void {
    this.#set(actor, { typingUntil: on ? Date.now() + TYPING_MS : 0 });
  }
  presence({ actor, lastPing, gone }: PresenceFrame): void {
    this.#set(actor, { presentUntil: gone ? 0 : lastPing + PRESENT_MS });
  }
  /** How it is now; whoever is not named neither writes nor looks. */
  opened({ present, typing, reads }: RoomNow): void {
    for (const person of this.#people.values()) Object.assign(person, { typingUntil: 0, presentUntil: 0 });
    for (const { actor, seq } of reads) this.#set(actor, { read: seq });
    for (const actor of present) this.#set(actor, { presentUntil: Date.now() + PRESENT_MS });
    for (const actor of typing) this.#set(actor, { typingUntil: Date.now() + TYPING_MS });
  }
  receipt({ actor, read }: ReceiptFrame): void {
    this.#set(actor, { read });
  }
  /** Who writes has stopped to write, is there, and has read what came before. */
  wrote({ actor, at, seq }: EventFrame): void {
    this.#set(actor, { typingUntil: 0, presentUntil: at + PRESENT_MS, read: seq - 1 });
  }

  /** The highest seq that somebody else has read. */
  get seen(): number {
    return Math.max(0, ...[...this.#people.values()].map(({ read }) => read));
  }
  /** Names of those who write now. */
  get writing(): string[] {
    return this.#names(({ typingUntil }) => typingUntil > Date.now());
  }
  /** Names of those who look at the room now. */
  get present(): string[] {
    return this.#names(({ presentUntil }) => presentUntil > Date.now());
  }
  /** Ids of those whom the text names as @name; "all" for everybody. */
  mentionedIn(text: string): string[] {
    const words = text.toLowerCase();
    const named = [...this.#people.values()].filter(({ actor }) =>
      words.includes(`@${actor.name.toLowerCase()}`),
    );
    return [...(/(^|\s)@all\b/.test(words) ? ["all"] : []), ...named.map(({ actor }) => actor.id)];
  }
  /** Somebody whom the history shows: known by name, nothing more. */
  met(actor: WireActor): void {
    this.#set(actor, {});
  }

  #set(actor: WireActor, change: Partial<Omit<Person, "actor">>): void {
    if (actor.kind === "system" || (actor.kind === "user" && actor.id === this.#me)) return;
    const key = `${actor.kind}:${actor.id}`;
    const known = this.#people.get(key) ?? { typingUntil: 0, presentUntil: 0, read: 0 };
    const read = Math.max(known.read, change.read ?? 0);
    this.#people.set(key, { ...known, ...change, actor, read });
  }

  #names(check: (person: Person) => boolean): string[] {
    return [...this.#people.values()].filter(check).map(({ actor }) => nameOf(actor));
  }
}
