/** Who may do what with an account: its owner all of it, by every face that has it, and nobody with somebody else's proof. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCOUNT_OPS } from "../../../src/protocol/frames/account.ts";
import { PEOPLE_OPS } from "../../../src/protocol/frames/people.ts";
import { SocketClient } from "../../black-box/socket-client.ts";
import { describeWith } from "../../services/need.ts";
import { ask, openSite, type Person, type Site } from "../site.ts";
import { STANDING_NAMES, type StandingName, standing } from "../standings.ts";
import {
  ACCOUNT_OPERATIONS,
  accountVerdict,
  FOREIGN_PROOFS,
  type Owned,
  PASSWORD,
  said,
  somebodyElse,
  tryHttp,
  trySocket,
} from "./account-operations.ts";
import { type Cells, WELL } from "./operations.ts";

describeWith("postgres", "authorization of one's own account", ({ postgres }) => {
  let site: Site;
  let other: Owned["other"];
  const sockets: SocketClient[] = [];

  beforeAll(async () => {
    site = await openSite(postgres.url);
    other = await somebodyElse(site);
  });
  afterAll(async () => {
    for (const socket of sockets) await socket.drop();
    await site?.close();
  });

  /** Somebody who stands so, whom nothing was done to yet. */
  async function anew(name: StandingName): Promise<Owned> {
    const { organization: role, administrator } = standing(name);
    const person = await site.newPerson({
      password: PASSWORD,
      // Whoever is in no organization is in one here: else the other would not exist for them.
      organizations: [{ id: site.organization.id, role: role ?? "member" }],
      ...(administrator && { administrator }),
    });
    return { site, person, socket: await sessionOf(person), other };
  }

  async function sessionOf({ token, handle }: Person): Promise<SocketClient> {
    const socket = new SocketClient(handle, token, "json");
    sockets.push(socket);
    await socket.connect(site.url);
    return socket;
  }

  /** What is there to be named, where nobody asks for themselves. */
  const anybody = (): Owned => ({
    ...{ site, person: other, other, socket: site.callers.owner.socket as SocketClient },
  });
  const isUser = (name: StandingName) => accountVerdict(name) === null;

  /** To whoever has no account, the account of somebody else is all that there is. */
  async function onSocket(name: StandingName, frame: (owned: Owned) => Parameters<typeof trySocket>[1]) {
    if (isUser(name)) {
      const owned = await anew(name);
      return said(await trySocket(owned, frame(owned)));
    }
    const socket = new SocketClient(name, site.callers[name].bearer ?? "nothing", "json");
    return await socket.connect(site.url).then(
      () => WELL,
      ({ code }) => String(code),
    );
  }

  describe.each(ACCOUNT_OPERATIONS)("$name", ({ frame, request, well }) => {
    test("on the WebSocket", async () => {
      const [actual, expected]: [Cells, Cells] = [{}, {}];
      for (const one of STANDING_NAMES) {
        expected[one] = accountVerdict(one) ?? well?.socket ?? WELL;
        actual[one] = await onSocket(one, frame);
      }
      expect(actual).toEqual(expected);
    });

    if (!request) return;
    test("by HTTP", async () => {
      const [actual, expected]: [Cells, Cells] = [{}, {}];
      for (const one of STANDING_NAMES) {
        expected[one] = accountVerdict(one) === null ? (well?.http ?? WELL) : "401";
        const owned = isUser(one) ? await anew(one) : null;
        const token = owned ? owned.person.token : site.callers[one].bearer;
        const { status } = await tryHttp(site.url, token, request.of(owned ?? anybody()));
        actual[one] = status < 300 ? WELL : String(status);
      }
      expect(actual).toEqual(expected);
    });
  });

  describe.each(FOREIGN_PROOFS)("$name", ({ frame, request, socket, http }) => {
    test("is refused, or does nothing, and both accounts are as they were", async () => {
      const owned = await anew("member");
      const answer = await trySocket(owned, frame(owned));
      if (typeof socket === "string") expect(answer).toBe(socket);
      else expect(answer).toMatchObject(socket);
      if (request) {
        const { status, json } = await tryHttp(site.url, owned.person.token, request.of(owned));
        if (typeof http === "string") expect(`${status} ${json.label}`).toBe(http);
        else expect({ status, json }).toMatchObject({ status: 200, json: http });
      }
      for (const { handle } of [owned.person, other]) {
        const login = { json: { handle, password: PASSWORD } };
        expect((await ask(site.url, "POST", "/login", login)).status).toBe(200);
      }
      const { sessions } = await (await sessionOf(other)).ask({ op: "sessions" });
      expect((sessions as { id: string }[]).map(({ id }) => id)).toContain(other.login);
    });
  });

  test("every op of one's own account, and every operation of /self, is among them", async () => {
    const owned = anybody();
    const ops = new Set<string>(ACCOUNT_OPERATIONS.map(({ frame }) => frame(owned).op));
    const { organizations: _, ...people } = PEOPLE_OPS;
    const all = [...Object.keys(ACCOUNT_OPS), ...Object.keys(people)];
    expect(all.filter((op) => !ops.has(op))).toEqual([]);
    const { json } = await ask(site.url, "GET", "/openapi/wire.json");
    const served = Object.entries<object>(json.paths)
      .filter(([path]) => path === "/self" || path.startsWith("/self/"))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    const tried = new Set(ACCOUNT_OPERATIONS.map(({ request }) => request?.shown));
    expect(served.length).toBeGreaterThan(8);
    expect(served.filter((request) => !tried.has(request))).toEqual([]);
  });
});
