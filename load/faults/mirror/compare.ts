/** Holds both sides of a room against each other and against what people did. Pure: its test feeds it every difference. */
import type { Book, Said } from "./book.ts";
import { type Message, type RoomView, words } from "./view.ts";

export interface Difference {
  kind: "lost" | "doubled" | "different" | "disordered";
  room: string;
  text: string;
}

export interface Sides {
  room: string;
  chat: RoomView;
  matrix: RoomView;
  /**
   * Whether the chat may refuse what this person writes in Matrix, because rules or members changed meanwhile: then it is in
   * neither side.
   */
  mayBeUndone: (said: Said) => boolean;
  /**
   * Whether this person comes and goes. Nobody can edit or react in Matrix in another's name: what somebody did in the chat who
   * is out of the Matrix room before it is carried is a dead letter, with its reason.
   */
  comesAndGoes: (key: string) => boolean;
}

type Found = [kind: Difference["kind"], text: string];

export function differences(book: Book, sides: Sides): Difference[] {
  const { room, chat, matrix } = sides;
  const own = book.said.filter((said) => said.room === room && said.isTaken);
  const known = new Set(own.map(({ token }) => token));
  const found: Found[] = [
    ...own.flatMap((said) => judgeSaid(said, sides, book)),
    ...[...new Set([...chat.messages.keys(), ...matrix.messages.keys()])]
      .filter((token) => !known.has(token))
      .map((token): Found => ["different", `${token} was refused, and is there`]),
    ...order(own, sides),
    ...unlike("name", chat.name, matrix.name),
    ...unlike("topic", chat.topic, matrix.topic),
    ...unlike("members", memberText(chat), memberText(matrix)),
  ];
  for (const sign of ["🔒", "📞"]) {
    found.push(...unlike(`lines with ${sign}`, chat.lines.get(sign) ?? 0, matrix.lines.get(sign) ?? 0));
    const wanted = book.lines.get(`${room} ${sign}`) ?? 0;
    if ((matrix.lines.get(sign) ?? 0) !== wanted)
      found.push(["lost", `${wanted} lines with ${sign} were sent`]);
  }
  return found.map(([kind, text]) => ({ kind, room, text }));
}

function judgeSaid(said: Said, sides: Sides, book: Book): Found[] {
  const { token, side } = said;
  const { chat, matrix, mayBeUndone } = sides;
  const [inChat = [], inMatrix = []] = [chat.messages.get(token), matrix.messages.get(token)];
  const doubles: Found[] = [];
  if (inChat.length > 1) doubles.push(["doubled", `${token} is ${inChat.length} times in the chat`]);
  if (inMatrix.length > 1) doubles.push(["doubled", `${token} is ${inMatrix.length} times in Matrix`]);
  if (doubles.length > 0) return doubles;
  const [here, there] = [inChat[0], inMatrix[0]];
  if (said.isDeleted) {
    const left = [here && "the chat", there && "Matrix"].filter(Boolean);
    return left.length === 0
      ? []
      : [["different", `${token} was deleted and is still in ${left.join(" and ")}`]];
  }
  if (here && there) return compareMessage(said, here, there, book, sides).concat(files(token, sides, said));
  if (!here && !there && side === "matrix" && mayBeUndone(said)) return [];
  const missing = [!here && "the chat", !there && "Matrix"].filter(Boolean).join(" and ");
  return [["lost", `${token}, a ${said.what} said in ${sideName(said)} by ${said.by}, is not in ${missing}`]];
}

function compareMessage(
  said: Said,
  here: Message,
  there: Message,
  book: Book,
  { comesAndGoes }: Sides,
): Found[] {
  const { token } = said;
  const found: Found[] = [];
  const of = (what: string) => `${what} of ${token}, a ${said.what} said in ${sideName(said)}`;
  if (there.by !== null) found.push(...unlike(of("author"), here.by, there.by));
  if (said.wording === "exact") found.push(...compareWords(said, here, there, comesAndGoes(said.by)));
  const isGone = (target: string | null) => target === null || book.byToken(target)?.isDeleted !== false;
  for (const relation of ["replyTo", "thread"] as const) {
    if (isGone(here[relation]) && isGone(there[relation])) continue;
    found.push(...unlike(of(relation), here[relation], there[relation]));
  }
  const staying = ({ reactions }: Message) =>
    reactions.filter((reaction) => !comesAndGoes(reaction.split(" ")[0] ?? ""));
  found.push(...unlike(of("reactions"), staying(here).join(", "), staying(there).join(", ")));
  for (const [reaction, isOn] of said.reactions) {
    if (comesAndGoes(reaction.split(" ")[0] ?? "") || here.reactions.includes(reaction) === isOn) continue;
    const text = `reaction ${reaction} on ${token} is ${isOn ? "not " : ""}in the chat`;
    found.push([isOn ? "lost" : "different", text]);
  }
  return found;
}

function compareWords(said: Said, here: Message, there: Message, mayDiffer: boolean): Found[] {
  const of = (what: string) =>
    `${what} of ${said.token}, a ${said.what} said in ${sideName(said)} by ${said.by}`;
  const known = new Set([...said.texts.values()].map(words));
  const strange = [here.text, there.text].find((text) => !known.has(text));
  if (mayDiffer && strange === undefined) return [];
  if (here.text === there.text && strange !== undefined) {
    return [["different", `${of("text")}: “${here.text}” on both sides, and nobody's last word`]];
  }
  return [
    ...unlike(of("text"), here.text, there.text),
    ...unlike(of("format"), here.isFormatted, there.isFormatted),
  ];
}

function sideName({ side }: Said): string {
  return side === "chat" ? "the chat" : "Matrix";
}

function files(token: string, { chat, matrix }: Pick<Sides, "chat" | "matrix">, { wording }: Said): Found[] {
  // A file that never arrives has words on one side and a name on the other.
  if (wording === "loose") return [];
  const text = (view: RoomView) => (view.files.get(token) ?? []).join(", ");
  return unlike(`files of ${token}`, text(chat), text(matrix));
}

/** What one said in the chat is in the same order in Matrix. What was said there may be late in the chat. */
function order(own: readonly Said[], { chat, matrix }: Sides): Found[] {
  const ofChat = new Set(own.filter(({ side }) => side === "chat").map(({ token }) => token));
  const inBoth = (view: RoomView, other: RoomView) =>
    [...view.messages.keys()].filter((token) => ofChat.has(token) && other.messages.has(token));
  const [wanted, got] = [inBoth(chat, matrix), inBoth(matrix, chat)];
  const at = wanted.findIndex((token, index) => got[index] !== token);
  return at === -1
    ? []
    : [["disordered", `after ${wanted[at - 1]} Matrix has ${got[at]} where ${wanted[at]} belongs`]];
}

function unlike(what: string, here: string | number | boolean | null, there: typeof here): Found[] {
  return here === there ? [] : [["different", `${what}: “${here}” in the chat, “${there}” in Matrix`]];
}

function memberText({ members }: RoomView): string {
  return [...members]
    .map((pair) => pair.join(" "))
    .toSorted()
    .join(", ");
}
