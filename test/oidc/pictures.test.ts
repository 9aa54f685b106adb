import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { OidcPerson } from "../../src/domain/ports/oidc.ts";
import { describeWith } from "../services/need.ts";
import { type TestApp, testApp } from "../test-app.ts";
import { fakeOidc } from "./fake-provider.ts";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const HOME = "https://chat.example.org/";

describeWith("postgres", "pictures of an identity provider", ({ postgres }) => {
  let app: TestApp;
  let person: OidcPerson;
  const fetched: string[] = [];
  const refused: string[] = [];
  /** What is at each URL; everything else can't be fetched. */
  const pictures = new Map<string, Uint8Array>();

  beforeAll(async () => {
    const fetchPicture = async (url: string) => {
      fetched.push(url);
      const bytes = pictures.get(url);
      if (!bytes) throw new Error("it can't be fetched");
      return bytes;
    };
    app = await testApp({
      databaseUrl: postgres.url,
      oidc: fakeOidc(() => person, fetchPicture),
      logger: {
        info: (fields: unknown) => {
          const { event, reason } = fields as { event: string; reason: string };
          if (event === "oidc.picture_refused") refused.push(reason);
        },
        warn: () => {},
        error: () => {},
      } as never,
    });
  });
  afterAll(() => app?.close());

  /** Signs somebody in. @returns who they are here */
  async function signIn(subject: string, picture: unknown) {
    person = { issuer: "https://id.example.org", subject, session: null, claims: { name: "Ada", picture } };
    const { oidc } = app.useCases;
    if (!oidc) throw new Error("no provider is set");
    const begun = await oidc.begin({
      ...{ publicUrl: HOME, redirectUri: `${HOME}login/oidc/callback`, returnTo: HOME },
      ...{ challenge: null, persistent: false, link: false },
    });
    if (begun.outcome !== "begun") throw new Error(begun.outcome);
    const query = new URLSearchParams({ state: begun.state, code: "c" });
    const ended = await oidc.finish({ query, flow: begun.flow, by: { ip: "192.0.2.1" } });
    if (ended.outcome !== "login") throw new Error(ended.outcome);
    return ended.login.user;
  }
  const avatarOf = async (id: number) => (await app.store.users.byId(id))?.avatarId ?? null;

  test("a picture is taken over behind the sign-in, once, and again where it is another one", async () => {
    const [subject, first, second] = [
      randomUUID(),
      "https://id.example.org/1.png",
      "https://id.example.org/2.png",
    ];
    pictures.set(first, PNG).set(second, PNG);
    const { id } = await signIn(subject, first);
    const avatar = await vi.waitFor(async () => {
      const found = await avatarOf(id);
      expect(found).not.toBeNull();
      return found as string;
    });
    expect((await app.store.avatars.get(avatar))?.mime).toBe("image/png");
    await vi.waitFor(async () =>
      expect((await app.store.identities.find("https://id.example.org", subject))?.picture).toBe(first),
    );
    // What somebody chose here stays until the provider has another one.
    await app.store.transaction((tx) => tx.users.setPicture(id, null));
    await signIn(subject, first);
    expect(fetched.filter((url) => url === first)).toHaveLength(1);
    expect(await avatarOf(id)).toBeNull();
    await signIn(subject, second);
    await vi.waitFor(async () => expect(await avatarOf(id)).not.toBeNull());
  });

  test("what is no picture is not taken over, and keeps nobody out", async () => {
    const svg = "https://id.example.org/x.svg";
    pictures.set(svg, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'));
    pictures.set("https://id.example.org/big", new Uint8Array(2 ** 20 + 1));
    for (const url of [svg, "https://id.example.org/big", "https://id.example.org/away"]) {
      const before = refused.length;
      const { id } = await signIn(randomUUID(), url);
      await vi.waitFor(() => expect(refused.length).toBe(before + 1));
      expect(await avatarOf(id)).toBeNull();
    }
    expect(refused.join()).not.toContain("id.example.org");
    const before = fetched.length;
    for (const odd of [
      7,
      null,
      undefined,
      ["x"],
      { url: svg },
      `https://id.example.org/${"x".repeat(3_000)}`,
    ])
      await signIn(randomUUID(), odd);
    expect(fetched).toHaveLength(before);
  });
});
