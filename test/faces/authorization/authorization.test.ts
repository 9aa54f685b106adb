/** Who may do what, tried on every face: each cell of the domain's tables, with the real domain on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STATUS } from "../../../src/http/answers/failures.ts";
import { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import { newRoom, type Room } from "../rooms.ts";
import { ask, bearer, openSite, type Site } from "../site.ts";
import { adminVerdict, ROOM_STATES, type RoomState, STANDING_NAMES } from "../standings.ts";
import { PROTOCOL } from "../ways/protocol.ts";
import { SOCKET } from "../ways/socket.ts";
import { TALK } from "../ways/talk.ts";
import { WIRE } from "../ways/wire.ts";
import { authorizationDocument } from "./authorization-document.ts";
import { attemptAdmin, CLOUD_OPERATIONS, MESSENGER_OPERATIONS } from "./office-operations.ts";
import {
  type Cells,
  type FaceWays,
  OPERATION_NAMES,
  type OperationName,
  operation,
  said,
  type Way,
  WELL,
} from "./operations.ts";
import { verdictOn } from "./verdict.ts";

const ROOM_FACES = [SOCKET, TALK, WIRE, PROTOCOL];

/** Guests are put out when they were not seen for longer. */
const ROOM_LIFE_MS = 60_000;

describeWith("postgres", "authorization", ({ postgres }) => {
  let site: Site;
  const shared = new Map<RoomState, Room>();
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());

  /** A room that nobody has changed. */
  async function roomIn(state: RoomState): Promise<Room> {
    const known = shared.get(state);
    if (known && Date.now() - known.madeAt < ROOM_LIFE_MS) return known;
    const made = await newRoom(site, state);
    shared.set(state, made);
    return made;
  }

  /** The last seq of the room's log, as its owner sees it. */
  async function headOf({ token }: Room): Promise<number> {
    const { socket } = site.callers.owner;
    if (!socket) throw new Error("the owner has no session");
    const [last] = (await socket.ask({ op: "history", room: token, limit: 1 })).events as { seq: number }[];
    return last?.seq ?? 0;
  }

  describe.each(ROOM_FACES)("$name", (face) => {
    describe.each(Object.keys(ROOM_STATES) as RoomState[])("in a room that is %s", (state) => {
      test.each(OPERATION_NAMES.filter((name) => name in face.ways))("%s", async (name) => {
        const way = face.ways[name] as Way;
        const expected = expectedCells(face, way, name, state);
        const refused = STANDING_NAMES.filter((one) => expected[one] !== WELL);
        const actual: Cells = {};
        let room = await roomIn(state);
        const before = await headOf(room);
        for (const one of refused) actual[one] = await way.attempt(site.callers[one], room, site);
        expect(await headOf(room), "a refusal writes nothing into the log").toBe(before);
        for (const one of STANDING_NAMES) {
          if (expected[one] !== WELL) continue;
          if (operation(name).once) room = await newRoom(site, state);
          actual[one] = await way.attempt(site.callers[one], room, site);
        }
        expect(actual).toEqual(expected);
      });
    });
  });
});

describeWith("postgres", "authorization in the back office", ({ postgres }) => {
  let site: Site;
  let room: Room;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    room = await newRoom(site, "open");
  });
  afterAll(() => site?.close());

  describe.each([
    { face: "Messenger", operations: MESSENGER_OPERATIONS },
    { face: "Talk's /cloud", operations: CLOUD_OPERATIONS },
  ])("$face", ({ operations }) => {
    test.each(operations)("$name ($request)", async ({ attempt, verdict, once, well = WELL }) => {
      const actual: Cells = {};
      const expected: Cells = {};
      for (const one of STANDING_NAMES) {
        const refused = verdict(one);
        expected[one] = refused === null ? well : String(STATUS[refused]);
        if (refused === null && once) room = await newRoom(site, "open");
        const { status } = await attempt(site.callers[one], room, site);
        actual[one] = status < 300 ? WELL : String(status);
      }
      expect(actual).toEqual(expected);
    });
  });

  test("every operation of Messenger that asks for credentials is among them", async () => {
    const { json } = await ask(site.url, "GET", "/openapi/messenger.json");
    const tried = new Set(MESSENGER_OPERATIONS.map(({ request }) => request));
    const served = guarded(json).map(({ method, path }) => `${method} ${path}`);
    expect(served.length).toBeGreaterThan(10);
    expect(served.filter((request) => !tried.has(request))).toEqual([]);
  });

  test("a WebSocket session opens to users alone", async () => {
    for (const one of ["API token", "ADMIN_TOKEN"] as const) {
      const client = new SocketClient(one, site.callers[one].bearer ?? "", "json");
      await expect(client.connect(site.url), one).rejects.toThrow("unauthorized");
    }
  });

  test.each(["messenger", "talk", "wire", "protocol"])(
    "no operation of %s that asks for credentials takes wrong ones, or those of an organization or operator",
    async (api) => {
      const { json } = await ask(site.url, "GET", `/openapi/${api}.json`);
      const prefix = api === "talk" ? "/ocs/v2.php" : "";
      const tokens = { wrong: "nonsense", ...tokensOf(site) };
      const letIn: string[] = [];
      for (const { method, path } of guarded(json)) {
        for (const [whose, token] of Object.entries(tokens)) {
          const sent = { headers: { ...bearer(token), ...OCS }, ...(method !== "GET" && { json: {} }) };
          const { status } = await ask(site.url, method, prefix + path.replaceAll(/\{\w+\}/g, "0"), sent);
          if (status !== 401) letIn.push(`${method} ${path} answers ${status} to ${whose}`);
        }
      }
      expect(letIn).toEqual([]);
    },
  );

  test("the admin API opens to ADMIN_TOKEN alone, in each of its operations", async () => {
    const { json } = await ask(site.url, "GET", "/openapi/admin.json");
    const opened: Record<string, string[]> = {};
    const expected: Record<string, string[]> = {};
    for (const [path, operations] of Object.entries<object>(json.paths)) {
      for (const method of Object.keys(operations)) {
        const key = `${method.toUpperCase()} ${path}`;
        opened[key] = [];
        expected[key] = STANDING_NAMES.filter((one) => adminVerdict(one) === null);
        for (const one of STANDING_NAMES) {
          const { status } = await attemptAdmin(site.callers[one], method.toUpperCase(), path, site);
          if (status !== 401) opened[key].push(one);
        }
      }
    }
    expect(opened).toEqual(expected);
  });
});

test("the matrix that people read (src/domain/AUTHORIZATION.md) is current", async () => {
  await expect(authorizationDocument(ROOM_FACES)).toMatchFileSnapshot("../../../src/domain/AUTHORIZATION.md");
});

const OCS = { "OCS-APIRequest": "true", Accept: "application/json" };

function tokensOf({ callers }: Site): Record<string, string> {
  return {
    "an API token": callers["API token"].bearer ?? "",
    ADMIN_TOKEN: callers.ADMIN_TOKEN.bearer ?? "",
  };
}

interface Documented {
  security: object[];
  paths: Record<string, Record<string, { security?: object[] }>>;
}

/** Operations that ask for credentials. */
function guarded({ paths, security }: Documented): { method: string; path: string }[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, own]) => (own.security ?? security).length > 0)
      .map(([method]) => ({ method: method.toUpperCase(), path })),
  );
}

function expectedCells(face: FaceWays, way: Way, name: OperationName, state: RoomState): Cells {
  const cells: Cells = {};
  for (const one of STANDING_NAMES) cells[one] = said(face, way, verdictOn(face, way, name, state, one));
  return cells;
}
