/** The open connections of this gateway, and how many of them are not authenticated yet. */
import type { Session } from "./session.ts";
import { UnauthenticatedSockets } from "./unauthenticated-sockets.ts";

/** Connections that were not told `ready`, over all addresses; more are turned away. */
const MAX_UNAUTHENTICATED = 20_000;

export class OpenSessions {
  readonly all = new Set<Session>();
  readonly #silent = new UnauthenticatedSockets();
  #unauthenticated = 0;

  /** Sessions that were told `ready`. */
  get authenticated(): number {
    return this.all.size - this.#unauthenticated;
  }

  /** @returns whether this gateway has room for the connection, and whether its address may hold one more */
  add(session: Session): { hasRoom: boolean; isWithinAddress: boolean } {
    this.all.add(session);
    const isWithinAddress = this.#silent.add(session);
    return { hasRoom: ++this.#unauthenticated <= MAX_UNAUTHENTICATED, isWithinAddress };
  }

  saidHello(session: Session): void {
    this.#silent.delete(session);
  }

  /** The session was told `ready`. */
  began(): void {
    this.#unauthenticated--;
  }

  delete(session: Session): void {
    this.all.delete(session);
    this.#silent.delete(session);
    if (session.id === "") this.#unauthenticated--;
  }

  ready(): Session[] {
    return [...this.all].filter(({ isReady }) => isReady);
  }
}
