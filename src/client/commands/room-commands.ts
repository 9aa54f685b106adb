/** What is done in one room, without naming it each time: `client.room(token).edit(seq, text)`. */
import type { OkFields, RoomEvent } from "../../protocol/frames.ts";
import type { Fields } from "./command.ts";
import type { Commands } from "./commands.ts";

type Change = "edit" | "delete" | "react" | "unreact" | "pin" | "unpin";
/** The fields of an op that are not named by themselves. */
type More<Op extends keyof OkFields, Named extends string> = Omit<Fields<Op>, "room" | Named>;

/** The part of a client that is used. */
export interface RoomClient extends Pick<Commands, Change> {
  send(message: Partial<Pick<Fields<"send">, "id">> & Omit<Fields<"send">, "id">): Promise<OkFields["send"]>;
  history(page: Fields<"history">): Promise<{ events: RoomEvent[]; more: boolean }>;
  read(marker: { room: string; seq: number }): Promise<void>;
  open(which: Fields<"open">): Promise<void>;
  close(which: Fields<"close">): Promise<void>;
}

/** The methods of a room do what the client's methods of the same names do. A message is named by its `seq`. */
export abstract class RoomCommands {
  declare readonly token: string;
  readonly #client: RoomClient;

  constructor(client: RoomClient, token: string) {
    this.#client = client;
    this.token = token;
  }

  send(text: string, more: Partial<More<"send", "text">> = {}): Promise<OkFields["send"]> {
    return this.#client.send({ ...more, room: this.token, text });
  }

  edit(seq: number, text: string, more: More<"edit", "seq" | "text"> = {}): Promise<OkFields["edit"]> {
    return this.#client.edit({ ...more, room: this.token, seq, text });
  }

  delete(seq: number, more: More<"delete", "seq"> = {}): Promise<OkFields["delete"]> {
    return this.#client.delete({ ...more, room: this.token, seq });
  }

  react(seq: number, name: string): Promise<OkFields["react"]> {
    return this.#client.react({ room: this.token, seq, name });
  }

  unreact(seq: number, name: string): Promise<OkFields["unreact"]> {
    return this.#client.unreact({ room: this.token, seq, name });
  }

  pin(seq: number): Promise<OkFields["pin"]> {
    return this.#client.pin({ room: this.token, seq });
  }

  unpin(seq: number): Promise<OkFields["unpin"]> {
    return this.#client.unpin({ room: this.token, seq });
  }

  read(seq: number): Promise<void> {
    return this.#client.read({ room: this.token, seq });
  }

  history(page: More<"history", never> = {}): ReturnType<RoomClient["history"]> {
    return this.#client.history({ ...page, room: this.token });
  }

  open(): Promise<void> {
    return this.#client.open({ room: this.token });
  }

  close(): Promise<void> {
    return this.#client.close({ room: this.token });
  }
}
