/** Commands about messages. Each method has the name of its op and takes one object. */
import type { ChangeAnswer, OkFields, OkFrame, Question } from "../../protocol/frames.ts";

type ChangeOp = "edit" | "delete" | "react" | "unreact" | "pin" | "unpin";
/** The fields that an app gives. */
type Fields<Op extends ChangeOp> = Omit<Question<Op>, "op">;

/**
 * A change resolves when its event is durable, or with `duplicate: true` when it would change nothing. So an app may repeat it
 * after a lost connection. It rejects with `Refused`, or with `ConnectionLost` when there is no session.
 */
export abstract class MessageCommands {
  /** Sends a frame in the current session. Rejects with `Refused` or `ConnectionLost`. */
  protected abstract ask<Op extends keyof OkFields>(question: Question<Op>): Promise<OkFrame<Op>>;

  /** Changes the text of our message. */
  edit(edit: Fields<"edit">): Promise<ChangeAnswer> {
    return this.#change({ op: "edit", ...edit });
  }

  /** Deletes a message: our own, or as a moderator any. */
  delete(message: Fields<"delete">): Promise<ChangeAnswer> {
    return this.#change({ op: "delete", ...message });
  }

  /** Adds our reaction to a message. */
  react(reaction: Fields<"react">): Promise<ChangeAnswer> {
    return this.#change({ op: "react", ...reaction });
  }

  /** Takes back our reaction to a message. */
  unreact(reaction: Fields<"unreact">): Promise<ChangeAnswer> {
    return this.#change({ op: "unreact", ...reaction });
  }

  /** Pins a message. The one that was pinned in the room is pinned no more. */
  pin(message: Fields<"pin">): Promise<ChangeAnswer> {
    return this.#change({ op: "pin", ...message });
  }

  unpin(message: Fields<"unpin">): Promise<ChangeAnswer> {
    return this.#change({ op: "unpin", ...message });
  }

  /** Finds messages by their words, the newest first. The answer's `cursor` gets the next page. */
  async search(search: Omit<Question<"search">, "op">): Promise<OkFields["search"]> {
    const { op: _, ref: __, ...found } = await this.ask<"search">({ op: "search", ...search });
    return found;
  }

  async #change(question: Question<ChangeOp>): Promise<ChangeAnswer> {
    const { op: _, ref: __, ...answer } = await this.ask<ChangeOp>(question);
    return answer;
  }
}
