/** The authorization matrix as people read it, made of the same tables that the tests try. */
import type { ErrorCode } from "../../../src/domain/errors.ts";
import {
  isOneToOne,
  ROOM_STATES,
  type RoomState,
  roleIn,
  roomVerdict,
  STANDING_NAMES,
  type StandingName,
  standing,
  type Verdict,
} from "../standings.ts";
import {
  ACCOUNT_OPERATIONS,
  accountVerdict,
  FOREIGN_PROOFS,
  type ForeignProof,
} from "./account-operations.ts";
import { CLOUD_OPERATIONS, MESSENGER_OPERATIONS, type OfficeOperation } from "./office-operations.ts";
import {
  type FaceWays,
  OPERATION_NAMES,
  type OperationName,
  operation,
  said,
  type Way,
  WELL,
} from "./operations.ts";
import { verdictOn } from "./verdict.ts";

const ROOM_CODES = ["bad_request", "unauthorized", "forbidden", "not_found", "read_only", "lobby"] as const;
const STATES = Object.keys(ROOM_STATES) as RoomState[];

export function authorizationDocument(faces: readonly FaceWays[]): string {
  return [
    HEAD,
    "## How each face says it",
    "",
    saysTable(faces),
    "",
    ...STATES.flatMap((state) => [`## In ${ROOM_STATES[state].title}`, "", ...roomTable(state), ""]),
    "## How each face lets it be done",
    "",
    waysTable(faces),
    "",
    "Where a face differs from the tables above:",
    "",
    ...differences(faces),
    "",
    "## An organization's chatrooms, through Messenger",
    "",
    officeTable(MESSENGER_OPERATIONS),
    "",
    "The organization's `chat` role counts as its admin here. The two operations on Matrix accounts answer 503 where no homeserver is configured.",
    "",
    "A room's picture is opened by its URL alone, as Messenger's clients need it. The URL holds 256 random bits, is told to nobody who",
    "can't see the room, and is dead once the room is deleted or has another picture. It stays when somebody leaves, who has seen it.",
    "",
    "## Users and groups, through Talk's `/cloud`",
    "",
    officeTable(CLOUD_OPERATIONS),
    "",
    "## One's own account",
    "",
    ...accountSection(),
    "",
    "## The admin API",
    "",
    "`ADMIN_TOKEN` opens all of it, and nothing else opens any of it: everybody else is `unauthorized`.",
    "",
  ].join("\n");
}

const HEAD = `# Who may do what

Made from \`permissions.ts\` and tried cell by cell on every face by the tests in \`test/faces/authorization\`;
\`npx vitest run test/faces/authorization -u\` writes it anew.

${WELL} it is done; \`role\` the role does not allow it; \`locked\` the room is read-only; \`lobby\` the lobby is closed;
\`kind\` a room of this kind does not have it; \`hidden\` there is no such room for the caller; \`who?\` the credentials open nothing here.

- A *stranger* is a user of no organization, a *colleague* one of the room's organization; neither is in the room, and neither are the
  organization's admin and the administrator, who have power over rooms through Messenger, \`/cloud\` and the admin API only.
- A *guest* has no account and comes in through Talk, by a cookie. To every other face a guest is nobody (\`who?\`).
- In a one-to-one room both are owners, and nobody else is in it. Where one of them blocked the other, \`role\` says that.
- An *API token* is an organization's, \`ADMIN_TOKEN\` the operator's; neither is anybody in a room.
`;

const WORDS: Partial<Record<ErrorCode, string>> = {
  bad_request: "kind",
  unauthorized: "who?",
  forbidden: "role",
  not_found: "hidden",
  read_only: "locked",
};

function word(verdict: Verdict): string {
  return verdict === null ? WELL : (WORDS[verdict] ?? verdict);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, n) => (n === 0 ? "---" : ":-:"))), ...rows.map(line)].join("\n");
}

function saysTable(faces: readonly FaceWays[]): string {
  const rows = faces.map(({ name, says }) => [name, ...ROOM_CODES.map((code) => says[code])]);
  return table(["", ...ROOM_CODES.map((code) => `${word(code)} (\`${code}\`)`)], rows);
}

/** Organizations and operators are nobody in a room. */
const IN_ROOMS = STANDING_NAMES.filter((one) => ["user", "guest"].includes(standing(one).proof));

function roomTable(state: RoomState): string[] {
  const inOneToOne: readonly StandingName[] = ["stranger", "owner", "organization admin", "administrator"];
  const shown = isOneToOne(state) ? inOneToOne : IN_ROOMS;
  const row = (name: OperationName, of: RoomState) =>
    shown.map((one) => word(roomVerdict(one, of, operation(name).actions)));
  const alike = (name: OperationName) => row(name, state).join() === row(name, "open").join();
  const isOpen = state === "open";
  const rows = OPERATION_NAMES.filter((name) => isOpen || !alike(name)).map((name) => [
    name,
    ...row(name, state),
  ]);
  return [...(isOpen ? [] : ["As in an open public room, except:", ""]), table(["", ...shown], rows)];
}

function waysTable(faces: readonly FaceWays[]): string {
  const cell = (way: Way | undefined) => (way ? `\`${way.request}\`${way.usersOnly ? " ¹" : ""}` : "");
  const rows = OPERATION_NAMES.map((name) => [name, ...faces.map(({ ways }) => cell(ways[name]))]);
  return `${table(["", ...faces.map(({ name }) => name)], rows)}\n\n¹ Takes an account: guests, and guest moderators, are told to sign in (\`unauthorized\`).`;
}

/** Found by asking both: what the domain's table says, and what the face has to say. */
function differences(faces: readonly FaceWays[]): string[] {
  return faces.flatMap((face) =>
    OPERATION_NAMES.flatMap((name) => {
      const way = face.ways[name];
      if (!way) return [];
      const states = new Map<string, string[]>();
      for (const state of STATES) {
        for (const change of changes(face, way, name, state))
          states.set(change, [...(states.get(change) ?? []), ROOM_STATES[state].title]);
      }
      return [...states].map(
        ([change, where]) => `- ${face.name}, ${name}: ${change}, in ${where.join(", ")}`,
      );
    }),
  );
}

function changes(face: FaceWays, way: Way, name: OperationName, state: RoomState): string[] {
  const found = new Map<string, string[]>();
  for (const one of IN_ROOMS) {
    const isGuest = standing(one).proof === "guest";
    if (isGuest && (!face.guests || way.usersOnly)) continue;
    const usual = roomVerdict(one, state, operation(name).actions);
    const usually = usual === null ? WELL : face.says[usual as keyof FaceWays["says"]];
    const says = said(face, way, verdictOn(face, way, name, state, one));
    if (says === usually) continue;
    const change = `${says} instead of ${usually}`;
    found.set(change, [
      ...(found.get(change) ?? []),
      roleIn(state, one) === null ? "whoever is not in it" : one,
    ]);
  }
  const because = way.everybody ? ` (${way.everybody.because})` : "";
  return [...found].map(([change, who]) => `${change} for ${[...new Set(who)].join(", ")}${because}`);
}

/** Frames are only named here: nobody is asked. */
const NOBODY = { person: {}, other: {} } as Parameters<ForeignProof["frame"]>[0];

function accountSection(): string[] {
  const users = STANDING_NAMES.filter((one) => accountVerdict(one) === null);
  const others = STANDING_NAMES.filter((one) => accountVerdict(one) !== null);
  const requests = ({ frame, request }: Pick<ForeignProof, "frame" | "request">) => [
    `\`${frame(NOBODY).op}\``,
    request ? `\`${request.shown}\`` : "",
  ];
  const said = (answer: string | object | undefined) =>
    answer === undefined ? "" : typeof answer === "string" ? answer : "does nothing";
  return [
    `Its owner does all of it, whatever they are elsewhere (${users.join(", ")}: ${WELL}), and nobody else (${others.join(", ")}: \`who?\`):`,
    "",
    table(
      ["", "WebSocket", "HTTP"],
      ACCOUNT_OPERATIONS.map((one) => [one.name, ...requests(one)]),
    ),
    "",
    "With the proof of somebody else:",
    "",
    table(
      ["", "WebSocket", "", "HTTP", ""],
      FOREIGN_PROOFS.map((one) => {
        const [op = "", request = ""] = requests(one);
        return [one.name, op, said(one.socket), request, said(one.http)];
      }),
    ),
  ];
}

function officeTable(operations: readonly OfficeOperation[]): string {
  const rows = operations.map(({ name, request, verdict }) => [
    name,
    `\`${request}\``,
    ...STANDING_NAMES.map((one) => word(verdict(one))),
  ]);
  return table(["", "", ...STANDING_NAMES], rows);
}
