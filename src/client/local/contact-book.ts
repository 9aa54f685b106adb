/** The user's contact book [GW-17.16] on the device: read from the server when somebody watches it, and there without a network. */
import type { ContactFrame, OkFields, WireContact, WireUser } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { type Observable, observe, type Unsubscribe } from "../emitter.ts";
import { ConnectionLost } from "../failures.ts";
import type { ViewStore } from "./view-store.ts";

/** Asks for a page of the book. Rejects with `Refused`, or with `ConnectionLost` while there is no session. */
export type AskContacts = (page: { after?: string; limit: number }) => Promise<OkFields["contacts"]>;

export class ContactBook implements Observable<readonly WireContact[]> {
  readonly #store: ViewStore;
  readonly #ask: AskContacts;
  #contacts: readonly WireContact[] = [];
  readonly #shown = observe(() => this.#contacts);
  /** Somebody wants the book, in this run of the app. */
  #isWanted = false;
  #isOnline = false;
  #kept: Promise<void> | null = null;
  #refreshing: Promise<void> | null = null;
  /** Counts what was told of the book. A page that was asked for before may not have it. */
  #told = 0;
  /** Counts how often everything was forgotten. */
  #generation = 0;

  constructor(store: ViewStore, ask: AskContacts) {
    this.#store = store;
    this.#ask = ask;
  }

  /** In the order of the server: newest activity first, as it was when the book was read. */
  readonly getSnapshot = (): readonly WireContact[] => this.#shown.getSnapshot();

  readonly subscribe = (listener: () => void): Unsubscribe => {
    void this.load().catch(() => undefined);
    return this.#shown.subscribe(listener);
  };

  /** Reads what the device has, and when there is a session the book of the server. Rejects with `Refused`. */
  async load(): Promise<void> {
    this.#isWanted = true;
    await this.#load();
    if (this.#isOnline) await this.#refresh();
  }

  online(): void {
    this.#isOnline = true;
    if (this.#isWanted) void this.load().catch(() => undefined);
  }

  offline(): void {
    this.#isOnline = false;
  }

  /** Another is in the book, is called otherwise there, or is in it no more. Never rejects. */
  async take({ user, on, name }: Pick<ContactFrame, "user" | "on" | "name">): Promise<void> {
    this.#told++;
    await this.#load().catch(() => undefined);
    const known = this.#contacts.find((contact) => contact.user.id === user);
    if (known && !on) this.#set(this.#contacts.filter((contact) => contact !== known));
    else if (known) {
      const { name: _, ...others } = known;
      this.#replace(known, { ...others, ...(name !== undefined && { name }) });
    } else if (on && this.#isWanted && this.#isOnline) await this.#refresh().catch(() => undefined);
  }

  /** Somebody has another name, picture or status. */
  takeUser(user: WireUser): void {
    const known = this.#contacts.find((contact) => contact.user.id === user.id);
    if (!known) return;
    const { lastSeen } = known.user;
    this.#replace(known, { ...known, user: { ...user, ...(lastSeen !== undefined && { lastSeen }) } });
  }

  /** Forgets everything; the store is cleared by its owner. */
  clear(): void {
    this.#told++;
    this.#generation++;
    this.#kept = Promise.resolve();
    this.#contacts = [];
    this.#shown.changed();
  }

  /** Reads what the device has, once. */
  #load(): Promise<void> {
    this.#kept ??= this.#read().catch((error: unknown) => {
      this.#kept = null;
      throw error;
    });
    return this.#kept;
  }

  async #read(): Promise<void> {
    const generation = this.#generation;
    const contacts = await this.#store.contacts();
    if (!contacts || generation !== this.#generation) return;
    this.#contacts = contacts;
    this.#shown.changed();
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#askAll().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Asks again where something was told meanwhile. */
  async #askAll(): Promise<void> {
    for (;;) {
      const told = this.#told;
      const contacts: WireContact[] = [];
      try {
        for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
          const page = await this.#ask({ limit: LIMITS.USERS_MOST, ...(after !== undefined && { after }) });
          contacts.push(...page.contacts);
          after = page.next;
        }
      } catch (error) {
        // The next session asks.
        if (error instanceof ConnectionLost) return;
        throw error;
      }
      if (told === this.#told) return this.#set(contacts);
    }
  }

  #replace(known: WireContact, contact: WireContact): void {
    this.#set(this.#contacts.map((other) => (other === known ? contact : other)));
  }

  #set(contacts: readonly WireContact[]): void {
    this.#contacts = contacts;
    this.#store.saveContacts(() => this.#contacts);
    this.#shown.changed();
  }
}
