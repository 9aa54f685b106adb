/** Polls of Matrix (MSC3381, in its two spellings), as texts of the chat. Pure functions. */
import { z } from "zod";
import { cleanText, type MatrixEvent } from "./matrix-events.ts";

export interface Poll {
  question: string;
  answers: { id: string; text: string }[];
  /** How many answers a person may choose. */
  choices: number;
}

/** Matrix allows twenty answers; what comes after them does not count. */
const MAX_ANSWERS = 20;
/** Of a question or an answer, in UTF-16 units. */
const MAX_TEXT = 1_000;

/** A text of an extensible event: a string, or a list of representations with the plain one among them. */
const representations = z.array(z.object({ body: z.string(), mimetype: z.string().optional() }));
const spoken = z.object({
  "m.text": z.union([z.string(), representations]).optional(),
  "org.matrix.msc1767.text": z.string().optional(),
  body: z.string().optional(),
});
const answer = spoken.extend({ id: z.string().optional(), "m.id": z.string().optional() });
const poll = z.object({
  question: spoken,
  answers: z.array(answer).min(1),
  max_selections: z.number().optional().catch(undefined),
});

/** The poll that an event begins; null where it is none that people could answer. */
export function pollOf(content: MatrixEvent["content"]): Poll | null {
  const parsed = poll.safeParse(content["m.poll"] ?? content["org.matrix.msc3381.poll.start"]);
  if (!parsed.success) return null;
  const answers = parsed.data.answers
    .slice(0, MAX_ANSWERS)
    .map((one) => ({ id: cleanText(one["m.id"] ?? one.id ?? ""), text: textOf(one) }));
  const { question, max_selections: choices = 1 } = parsed.data;
  return { question: textOf(question), answers, choices: Math.max(1, Math.floor(choices)) };
}

function textOf(said: z.infer<typeof spoken>): string {
  const text = said["m.text"] ?? said["org.matrix.msc1767.text"] ?? said.body ?? "";
  const plain =
    typeof text === "string"
      ? text
      : (text.find(({ mimetype = "text/plain" }) => mimetype === "text/plain")?.body ?? "");
  return cleanText(plain.replaceAll(/\s+/g, " ").trim().slice(0, MAX_TEXT));
}

/** The line with which the chat shows a poll. */
export function pollLine({ question, answers }: Poll): string {
  return `📊 ${[question, ...answers.map(({ text }) => text)].join(" · ")}`;
}

/** What an answer to a poll chooses; null where the event is none. */
export function choicesOf({ content }: Pick<MatrixEvent, "content">): string[] | null {
  const stable = z.array(z.string()).safeParse(content["m.selections"]);
  if (stable.success) return stable.data;
  const unstable = z
    .object({ answers: z.array(z.string()) })
    .safeParse(content["org.matrix.msc3381.poll.response"]);
  return unstable.success ? unstable.data.answers : null;
}

/** An answer to a poll, as homeservers list them. */
export interface PollAnswer {
  sender: string;
  /** Ms. */
  at: number;
  choices: readonly string[];
}

/** The line that tells how a poll ended. Of each person the last answer until the end counts, if the poll has it. */
export function resultLine(poll: Poll, answers: readonly PollAnswer[], endedAt: number): string {
  const last = new Map<string, readonly string[]>();
  for (const { sender, at, choices } of [...answers].sort((a, b) => a.at - b.at)) {
    if (at <= endedAt) last.set(sender, choices);
  }
  const known = new Set(poll.answers.map(({ id }) => id));
  const votes = [...last.values()].flatMap((choices) => {
    const valid = choices.every((id) => known.has(id)) ? choices.slice(0, poll.choices) : [];
    return [...new Set(valid)];
  });
  const counts = poll.answers.map(({ id, text }) => `${text}: ${votes.filter((vote) => vote === id).length}`);
  return `📊 ${[poll.question, ...counts].join(" · ")}`;
}
