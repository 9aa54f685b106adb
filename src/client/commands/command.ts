/** A method that says one op. */
import type { ClientOp, OkFields, Question } from "../../protocol/frames.ts";

/** What an app gives to the method of an op. */
export type Fields<Op extends ClientOp> = Omit<Question<Op>, "op">;

/** The name of an op's method: the op's name, with a dot as camel case. `room.create` is `roomCreate`. */
export type MethodName<Op extends string> = Op extends `${infer Noun}.${infer Verb}`
  ? `${Noun}${Capitalize<Verb>}`
  : Op;

/**
 * Says the op in the current session and resolves with the fields of its answer. Rejects with `Refused`, or with
 * `ConnectionLost` when there is no session or it ends before the answer: the op may have taken effect then. A write may be
 * repeated after that; the answer of the repetition has `duplicate: true`, or the state was so already.
 */
export type Command<Op extends keyof OkFields> =
  Record<never, never> extends Fields<Op>
    ? (fields?: Fields<Op>) => Promise<OkFields[Op]>
    : (fields: Fields<Op>) => Promise<OkFields[Op]>;

/** A method for each of these ops. */
export type CommandsOf<Ops extends readonly (keyof OkFields)[]> = {
  [Op in Ops[number] as MethodName<Op>]: Command<Op>;
};

/** The fields of an op that was said as one object, or as its room, its other field where there is one, and an object of more. */
export function named<T extends object>(said: readonly unknown[], field?: keyof T): T {
  const [room, second, more] = said;
  if (typeof room !== "string") return room as T;
  return { ...((field ? more : second) as object), room, ...(field && { [field]: second }) } as T;
}
