/** The chat screen: what the client tells goes into the conversations, and from there to the page. */
import { type Client, newMessageId } from "../client/client.ts";
import { ClientEnded } from "../client/failures.ts";
import type { EventFrame, ReadyFrame } from "../protocol/frames.ts";
import { createComposer } from "./composer.ts";
import { Conversation, type Message } from "./conversation.ts";
import { find } from "./elements/element.ts";
import { createMessageList } from "./message-list.ts";
import { People } from "./people.ts";
import { createRoomList, roomName } from "./room-list.ts";
import { createStatus } from "./status.ts";
import { keepUnsent, keptUnsent, type Unsent } from "./unsent.ts";

const PAGE = 50;
const ROOM_KEY = "causeway.room";
/** Presence and typing decay without a word, so the lines that tell them are drawn anew so often. */
const DECAY_MS = 2_000;
/** The least wait before the name of a new room is asked for. */
const REFRESH_MS = 1_000;
const NARROW = matchMedia("(max-width: 44rem)");

export class Chat {
  readonly #client: Client;
  readonly #screen = find("#chat", HTMLElement);
  readonly #newest = find("#newest", HTMLButtonElement);
  readonly #status = createStatus();
  readonly #conversations = new Map<string, Conversation>();
  readonly #rooms = createRoomList(find("#rooms", HTMLElement), (room) => this.#choose(room, true));
  readonly #composer = createComposer(find("#composer", HTMLFormElement), {
    onSend: (text, replyTo) => this.#write(text, replyTo),
    onTyping: (on) => this.#room && this.#client.typing(this.#room, on),
  });
  readonly #messages = createMessageList(find("#messages", HTMLOListElement), {
    onOlder: () => void this.#loadOlder(),
    onEnd: () => this.#readAll(),
    onReply: (message) => this.#composer.replyTo(message),
    onRetry: (message) => this.#retry(message),
    onDiscard: (message) => this.#discard(message),
    onJump: (seq) => this.#messages.jumpTo(seq),
  });
  #people = new People("");
  /** The room that is shown, or null. */
  #room: string | null = null;
  #loading: Conversation | null = null;
  #drawing = false;
  #refreshing: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client) {
    this.#client = client;
    this.#listen();
    find("#back", HTMLButtonElement).addEventListener("click", () => this.#choose(null));
    this.#newest.addEventListener("click", () => this.#messages.toEnd());
    document.addEventListener("visibilitychange", () => this.#readAll());
    setInterval(() => this.#draw(), DECAY_MS);
    this.#screen.hidden = false;
    this.#draw();
  }

  #listen(): void {
    const client = this.#client;
    client.on("ready", (ready) => this.#begin(ready));
    client.on("event", (event) => this.#take(event));
    client.on("hidden", ({ room, seqs }) => this.#conversation(room).hide(seqs));
    client.on("reset", ({ room }) => this.#conversation(room).reset());
    client.on("left", ({ room }) => this.#forget(room));
    client.on("opened", (now) => now.room === this.#room && this.#people.opened(now));
    client.on("typing", (frame) => frame.room === this.#room && this.#people.typing(frame));
    client.on("presence", (frame) => frame.room === this.#room && this.#people.presence(frame));
    client.on("receipt", (frame) => frame.room === this.#room && this.#people.receipt(frame));
    for (const name of [
      "state",
      "event",
      "reset",
      "hidden",
      "left",
      "room",
      "opened",
      "typing",
      "presence",
      "receipt",
    ] as const) {
      client.on(name, () => this.#draw());
    }
  }

  // ── What the client tells ──────────────────────────────────────────────────────────────────────────

  #begin(ready: ReadyFrame): void {
    const first = this.#screen.dataset.user !== ready.user.id;
    this.#screen.dataset.user = ready.user.id;
    this.#status.me(ready.user.name);
    if (first) {
      this.#people = new People(ready.user.id);
      for (const unsent of keptUnsent(ready.user.uuid)) this.#post(unsent);
    }
    for (const [room, seqs] of Object.entries(ready.hidden?.rooms ?? {})) this.#conversation(room).hide(seqs);
    if (this.#room === null) this.#chooseFirst(ready);
  }

  /** A room that we were just brought into. Many may be at once: they must not all come back at the same moment. */
  #learnName(): void {
    this.#refreshing ??= setTimeout(
      () => {
        this.#refreshing = undefined;
        this.#client.refresh();
      },
      REFRESH_MS * (1 + Math.random()),
    );
  }

  #take(event: EventFrame): void {
    this.#conversation(event.room).apply(event);
    if (this.#client.room(event.room).getSnapshot()?.name === "") this.#learnName();
    if (event.room !== this.#room) return;
    if (event.type === "message") this.#people.wrote(event);
  }

  #forget(room: string): void {
    this.#conversations.delete(room);
    if (room === this.#room) this.#choose(null);
  }

  #conversation(room: string): Conversation {
    const known = this.#conversations.get(room) ?? new Conversation();
    this.#conversations.set(room, known);
    return known;
  }

  // ── What the person does ───────────────────────────────────────────────────────────────────────────

  #chooseFirst({ rooms }: ReadyFrame): void {
    const kept = rooms.find(({ room }) => room === sessionStorage.getItem(ROOM_KEY));
    const [newest] = this.#client.rooms.getSnapshot();
    const choice = kept ?? (NARROW.matches ? undefined : newest);
    if (choice) this.#choose(choice.room);
  }

  #choose(room: string | null, focus = false): void {
    if (room === this.#room && room !== null) {
      this.#composer.focus();
      return;
    }
    this.#leaveRoom();
    this.#room = room;
    this.#screen.dataset.view = room === null ? "rooms" : "room";
    this.#composer.show(room);
    if (room === null) sessionStorage.removeItem(ROOM_KEY);
    else {
      sessionStorage.setItem(ROOM_KEY, room);
      // A room that is gone meanwhile is told as left.
      this.#client.open(room).catch(() => undefined);
      if (focus) this.#composer.focus();
    }
    this.#draw();
  }

  #leaveRoom(): void {
    const room = this.#room;
    if (room === null) return;
    this.#client.close(room).catch(() => undefined);
    this.#conversations.get(room)?.trim();
    this.#people.clear();
    this.#messages.clear();
  }

  #write(text: string, replyTo: number | null): void {
    if (this.#room === null) return;
    const mentions = this.#people.mentionedIn(text);
    this.#post({ room: this.#room, id: newMessageId(), text, replyTo, mentions, at: Date.now() });
    this.#messages.toEnd();
  }

  #post(unsent: Unsent): void {
    const { id: userId = "", name = "" } = this.#client.user ?? {};
    const { room, mentions, replyTo, ...rest } = unsent;
    const actor = { kind: "user", id: userId, name } as const;
    const state = { edited: false, deleted: false, problem: null, sent: false };
    const conversation = this.#conversation(room);
    conversation.addOutgoing({ kind: "message", seq: 0, actor, mentions, replyTo, ...rest, ...state });
    this.#draw();
    const more = { id: unsent.id, mentions: [...mentions], ...(replyTo !== null && { replyTo }) };
    this.#client.send(room, unsent.text, more).then(
      () => this.#outgoing(conversation, unsent.id, { sent: true }),
      (error: Error) => {
        // Whoever signs in again goes on with it.
        if (error instanceof ClientEnded) return;
        this.#outgoing(conversation, unsent.id, { problem: error.message });
      },
    );
  }

  #outgoing(conversation: Conversation, id: string, change: { sent: true } | { problem: string }): void {
    conversation.changeOutgoing(id, change);
    this.#draw();
  }

  #retry({ id, text, replyTo, mentions }: Message): void {
    const room = this.#room;
    if (room === null) return;
    this.#conversation(room).dropOutgoing(id);
    this.#post({ room, id, text, replyTo, mentions, at: Date.now() });
  }

  #discard({ id }: Message): void {
    if (this.#room !== null) this.#conversation(this.#room).dropOutgoing(id);
    this.#draw();
  }

  async #loadOlder(): Promise<void> {
    const room = this.#room;
    if (room === null || this.#client.state.name !== "online") return;
    const conversation = this.#conversation(room);
    if (conversation.complete || this.#loading === conversation) return;
    this.#loading = conversation;
    const { first } = conversation;
    try {
      const page = await this.#client.history(room, {
        limit: PAGE,
        ...(first !== null && { before: first }),
      });
      // What was loaded meanwhile, or reset, does not continue with this page.
      if (conversation.first === first || first === null) conversation.addOlder(page.events, page.more);
      for (const { actor, type } of page.events) if (type === "message") this.#people.met(actor);
      this.#draw();
    } catch {
      // Lost or refused: asked again when something is drawn or scrolled.
    } finally {
      this.#loading = null;
    }
  }

  /** What is in sight has been read. */
  #readAll(): void {
    const room = this.#room === null ? undefined : this.#client.room(this.#room).getSnapshot();
    if (!room || room.unread + room.mention === 0) return;
    if (document.visibilityState !== "visible" || !this.#messages.isAtEnd()) return;
    const { last } = this.#conversation(room.room);
    if (last > room.read) this.#client.read(room.room, last).catch(() => undefined);
  }

  // ── The page ───────────────────────────────────────────────────────────────────────────────────────

  /** Draws once for everything that happens in one turn; also in tabs that nobody sees, for their titles. */
  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const { state, user } = this.#client;
    const rooms = this.#client.rooms.getSnapshot();
    const unsent = this.#unsent();
    if (user && state.name !== "ended") keepUnsent(user.uuid, unsent);
    this.#status.connection(state, unsent.length);
    this.#status.unread(rooms.reduce((sum, { unread }) => sum + unread, 0));
    this.#rooms.show(rooms, this.#room);
    const room = this.#room === null ? undefined : this.#client.room(this.#room).getSnapshot();
    this.#status.room(room ? roomName(room) : "Rooms", this.#people);
    if (this.#room !== null) this.#drawMessages(this.#room);
  }

  #drawMessages(room: string): void {
    const conversation = this.#conversation(room);
    const reader = { id: this.#client.user?.id ?? "", seenByOthers: this.#people.seen };
    this.#messages.show(conversation, reader);
    this.#newest.hidden = this.#messages.isAtEnd();
    this.#readAll();
  }

  #unsent(): Unsent[] {
    return [...this.#conversations].flatMap(([room, conversation]) =>
      conversation.outgoing.flatMap(({ id, text, replyTo, mentions, at, sent, problem }) =>
        sent || problem !== null ? [] : [{ room, id, text, replyTo, mentions, at }],
      ),
    );
  }
}
