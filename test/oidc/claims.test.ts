import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { Browser } from "./browser.ts";
import { type OidcSite, openOidcSite } from "./site.ts";

describeWith("postgres", "organizations and roles by a provider's claims", ({ postgres }) => {
  let before: OidcSite;
  let site: OidcSite;
  let acme: number;
  let globex: number;
  let other: number;
  beforeAll(async () => {
    before = await openOidcSite(postgres.url);
    const made = async (name: string) => (await before.admin("POST", "/organizations", { name })).json.id;
    [acme, globex, other] = [await made("Acme"), await made("Globex"), await made("Other")];
    site = await openOidcSite(postgres.url, {
      OIDC_SCOPES: "openid profile email groups",
      OIDC_ORGANIZATIONS: `acme=${acme},globex=${globex}`,
      OIDC_ORGANIZATIONS_CLAIM: "groups",
      OIDC_ROLES: "operators=admin,helpers=chat",
      OIDC_ROLES_CLAIM: "roles",
      OIDC_LINK_EMAIL: "true",
    });
  });
  afterAll(async () => {
    await site?.close();
    await before?.close();
  });

  const signIn = async (subject: string, claims: object, browser = new Browser()) => {
    site.idp.people.set(subject, { preferred_username: subject, ...claims });
    const { hash } = await site.signIn(subject, browser);
    return { hash, self: hash === "#sign-in=done" ? (await site.self(browser)).json : null };
  };
  async function memberOf(
    organization: number,
    handle: string,
  ): Promise<{ id: number; role: string } | undefined> {
    const { json } = await site.admin("GET", `/organizations/${organization}/users?limit=200`);
    return json.items.find((one: { handle: string }) => one.handle === handle);
  }
  /** The role of somebody in an organization; undefined: none. */
  const roleIn = async (organization: number, handle: string) => (await memberOf(organization, handle))?.role;
  const subject = () => `c-${randomUUID()}`;

  test("groups and roles are set at each sign-in, and taken back", async () => {
    const ada = subject();
    expect((await signIn(ada, { groups: ["acme", "else"], roles: ["helpers"] })).hash).toBe("#sign-in=done");
    expect([await roleIn(acme, ada), await roleIn(globex, ada)]).toEqual(["chat", undefined]);
    await signIn(ada, { groups: ["globex", "acme"], roles: ["helpers", "operators"] });
    expect([await roleIn(acme, ada), await roleIn(globex, ada)]).toEqual(["admin", "admin"]);
    await signIn(ada, { groups: "globex" });
    expect([await roleIn(acme, ada), await roleIn(globex, ada)]).toEqual([undefined, "member"]);
  });

  test("people of none of the organizations do not get in, and lose what they had", async () => {
    const ada = subject();
    for (const groups of [undefined, [], "", ["Acme"], [["acme"]], { acme: true }, 7, ["acme,globex"]])
      expect((await signIn(subject(), { groups })).hash, JSON.stringify(groups)).toBe("#sign-in=refused");
    // Nobody was made for them, so the handle is free.
    const stranger = subject();
    await signIn(stranger, { groups: ["else"] });
    expect((await site.admin("POST", "/users", { handle: stranger, password: "long enough" })).status).toBe(
      201,
    );
    await signIn(ada, { groups: ["acme"], roles: ["operators"] });
    expect((await signIn(ada, { groups: [] })).hash).toBe("#sign-in=refused");
    expect(await roleIn(acme, ada)).toBeUndefined();
  });

  test("[GW-17.14] a person whom the provider lets in no more is out everywhere, and in again when it does", async () => {
    const [ada, eve] = [subject(), subject()];
    const [phone, desk, eves] = [new Browser(), new Browser(), new Browser()];
    await signIn(ada, { groups: ["acme"] }, phone);
    await signIn(eve, { groups: ["acme"] }, eves);
    const granted = await phone.get(`${site.url}/access`, { method: "POST" });
    const session = await RawClient.connect(site.url);
    expect((await session.hello(JSON.parse(granted.text).access_token)).op).toBe("ready");
    expect((await signIn(ada, { groups: ["else"] }, desk)).hash).toBe("#sign-in=refused");
    expect(await session.closed).toMatchObject({ code: 4501 });
    expect((await site.self(phone)).status).toBe(403);
    expect((await site.self(eves)).status).toBe(200);
    const { self } = await signIn(ada, { groups: ["acme"] }, desk);
    expect(self.handle).toBe(ada);
    // Whom the provider puts into none of them is linked to nobody, either.
    const challenge = createHash("sha256").update(randomUUID()).digest("base64url");
    site.idp.people.set(ada, { groups: ["else"] });
    const query = `?link=true&return=/&code_challenge=${challenge}`;
    expect((await site.signIn(ada, new Browser(), query)).hash).toBe("#sign-in=refused");
    expect((await site.self(desk)).status).toBe(200);
  });

  test("an organization that the settings do not name is nobody's to give or take", async () => {
    const ada = subject();
    await signIn(ada, { groups: ["acme", String(other), "Other"] });
    expect(await roleIn(other, ada)).toBeUndefined();
    const id = (await memberOf(acme, ada))?.id;
    await site.admin("PUT", `/organizations/${other}/users/${id}`, { role: "admin" });
    await signIn(ada, { groups: ["globex"] });
    expect([await roleIn(acme, ada), await roleIn(other, ada)]).toEqual([undefined, "admin"]);
  });

  test("with OIDC_LINK_EMAIL an address that the provider has verified names its user, and no administrator", async () => {
    const user = async (administrator: boolean) => {
      const [handle, email] = [subject(), `${randomUUID()}@example.org`];
      await site.admin("POST", "/users", { handle, email, administrator, password: "long enough" });
      return { handle, email };
    };
    const ada = await user(false);
    const groups = ["acme"];
    for (const email_verified of [false, "true", 1, undefined]) {
      const { self } = await signIn(subject(), { groups, email: ada.email, email_verified });
      expect(self.handle).not.toBe(ada.handle);
    }
    const linked = subject();
    const email = ada.email.toUpperCase();
    expect((await signIn(linked, { groups, email, email_verified: true })).self.handle).toBe(ada.handle);
    // From then on the subject counts, whatever the address is.
    expect((await signIn(linked, { groups })).self.handle).toBe(ada.handle);
    // Nor does the address name the user to somebody else who has it at the provider by now.
    expect((await signIn(subject(), { groups, email, email_verified: true })).self.handle).not.toBe(
      ada.handle,
    );
    const operator = await user(true);
    const refused = await signIn(subject(), { groups, email: operator.email, email_verified: true });
    expect(refused.hash).toBe("#sign-in=refused");
  });
});
