/** [D.3] Webhooks are registered through the admin API; their secret is shown once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTargets } from "../../src/webhooks/targets.ts";
import { describeWith } from "../services/need.ts";
import type { Call } from "./http-client.ts";
import { ADMIN, addOrg, openSite, type Site } from "./real-parts.ts";

const URL = "https://no-such-name.invalid/hook";

describeWith("postgres", "webhooks of the admin API", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url, { webhookTargets: createTargets({ allowPrivate: false }) });
  });
  afterAll(() => site?.close());

  const call = (method: string, path: string, more: Call = {}) =>
    site.client(method, `/admin/v1/webhooks${path}`, { headers: ADMIN, ...more });
  const create = (json: object) => call("POST", "", { json });
  const refused = (status: number, field?: string) => ({
    status,
    json: { error: { ...(field && { field }) } },
  });

  test("[D.3] are created with a secret, found without it, changed and deleted", async () => {
    const { id: organizationId } = await addOrg(site);
    const made = await create({ organizationId, url: URL });
    expect(made).toMatchObject({
      status: 201,
      json: { organizationId, url: URL, events: null, secret: expect.stringMatching(/^cws_.{43}$/) },
    });
    const { secret, ...shown } = made.json;
    const path = `/${shown.id}`;
    expect(made.headers.get("location")).toBe(`/admin/v1/webhooks${path}`);
    expect((await call("GET", path)).json).toEqual(shown);
    expect((await call("GET", `?organizationId=${organizationId}`)).json).toEqual({
      items: [shown],
      next: null,
    });
    const patch = { events: ["message.created"], url: `${URL}/2`, secret: "x".repeat(16) };
    const changed = await call("PATCH", path, { json: patch });
    expect(changed).toMatchObject({ status: 200, json: { ...shown, events: patch.events, url: patch.url } });
    expect(changed.json).not.toHaveProperty("secret");
    expect((await call("PATCH", path, { json: { events: null } })).json.events).toBeNull();
    expect((await call("DELETE", path)).status).toBe(204);
    for (const method of ["GET", "DELETE"])
      expect(await call(method, path)).toMatchObject(refused(404, "id"));
    expect(await call("PATCH", path, { json: {} })).toMatchObject(refused(404, "id"));
  });

  test("take a secret of the operator's, and go with their organization", async () => {
    const { id: organizationId } = await addOrg(site);
    const secret = "a secret of my own";
    const made = await create({ organizationId, url: URL, secret, events: ["contact.deleted"] });
    expect(made.json).toMatchObject({ secret, events: ["contact.deleted"] });
    await site.client("DELETE", `/admin/v1/organizations/${organizationId}`, { headers: ADMIN });
    expect((await call("GET", `/${made.json.id}`)).status).toBe(404);
  });

  test.each([
    [{ url: "http://127.0.0.1/" }, 400, "url"],
    [{ url: "http://localhost:8080/" }, 400, "url"],
    [{ url: "http://169.254.169.254/latest/meta-data" }, 400, "url"],
    [{ url: "ftp://example.org/" }, 400, "url"],
    [{ url: "nonsense" }, 400, "url"],
    [{ url: `https://no-such-name.invalid/${"x".repeat(2_000)}` }, 400, "url"],
    [{ events: ["message.read"] }, 400, "events.0"],
    [{ events: [] }, 400, "events"],
    [{ secret: "short" }, 400, "secret"],
    [{ organizationId: 999_999 }, 404, "organizationId"],
    [{ organizationId: null }, 400, "organizationId"],
    [{ retries: 5 }, 400, "retries"],
  ])("%j is %i about %s", async (change, status, field) => {
    const { id: organizationId } = await addOrg(site);
    expect(await create({ organizationId, url: URL, ...change })).toMatchObject(refused(status, field));
  });

  test("are at most 20 of one organization", async () => {
    const { id: organizationId } = await addOrg(site);
    for (let i = 0; i < 20; i++) expect((await create({ organizationId, url: URL })).status).toBe(201);
    expect((await create({ organizationId, url: URL })).status).toBe(409);
    const page = await call("GET", `?organizationId=${organizationId}&limit=15`);
    expect(page.json.items).toHaveLength(15);
    const rest = await call("GET", `?organizationId=${organizationId}&limit=15&after=${page.json.next}`);
    expect(rest.json).toMatchObject({ items: Array(5).fill({}), next: null });
  });
});
