/** Wire's document, command by command, against the program as it runs (reference §A.1). */
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { admin, call } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { WaitingClient } from "./await-site.ts";

const STEPS = 12;
const fleet = serverFleet();
const missing = ["curl", "jq"].filter((tool) => spawnSync(tool, ["--version"]).error);
if (missing.length > 0)
  console.warn(`SKIPPED: the walk through Wire's document needs ${missing.join(" and ")}`);
const walking = test.skipIf(missing.length > 0 && process.env.CI !== "true");

walking("[A.1] the document's curl commands are answered as it says, in its order", async () => {
  const server = await fleet.start();
  const team = await admin<{ id: number; uuid: string }>(server.url, "POST", "organizations", {
    name: "Team",
  });
  const add = (handle: string) =>
    admin<{ id: number; uuid: string; email: string }>(server.url, "POST", "users", {
      ...{ handle, email: `${handle}@example.org`, password: "a password" },
      organizations: [{ id: team.id, role: "member" }],
    });
  const [self, first, second] = [await add("walker"), await add("first"), await add("second")];
  const { token } = await admin<{ token: string }>(server.url, "POST", "tokens", {
    userId: self.id,
    name: "test",
  });
  const waiting = await WaitingClient.open(server.url, token);
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, "walk.sh"), {
    env: {
      ...process.env,
      ...{
        WIRE_BACKEND: server.url,
        WIRE_USER: self.email,
        WIRE_PASSWD: "a password",
        WIRE_TEAMID: team.uuid,
      },
      ...{ WIRE_OTHER_1: first.uuid, WIRE_OTHER_2: second.uuid },
    },
  });
  expect(stdout.trim().split("\n")).toHaveLength(STEPS);
  expect(stdout).toMatch(/^(ok: .*\n)+$/);
  await waiting.until("the deletion", () => waiting.told.at(-1)?.payload[0]?.type === "conversation.delete");
  const events = waiting.told.flatMap(({ payload }) => payload);
  expect(events.map(({ type }) => type)).toEqual([
    ...["conversation.create", "conversation.member-join", "conversation.member-leave"],
    ...["conversation.rename", "conversation.delete"],
  ]);
  const kept = await call<{ notifications: { id: string }[] }>(
    `${server.url}/notifications?since=${waiting.told[1]?.id}`,
    "GET",
    { authorization: `Bearer ${token}` },
  );
  expect(kept.notifications.map(({ id }) => id)).toEqual(waiting.told.slice(2).map(({ id }) => id));
  waiting.socket.terminate();
});

walking("[A.1] the walk fails where an answer is not as the document says", async () => {
  const server = await fleet.start();
  const team = await admin<{ id: number; uuid: string }>(server.url, "POST", "organizations", {
    name: "Team",
  });
  const user = { handle: "walker", email: "walker@example.org", password: "a password" };
  await admin(server.url, "POST", "users", { ...user, organizations: [{ id: team.id, role: "member" }] });
  const walk = promisify(execFile)(join(import.meta.dirname, "walk.sh"), {
    env: {
      ...process.env,
      ...{
        WIRE_BACKEND: server.url,
        WIRE_USER: user.email,
        WIRE_PASSWD: user.password,
        WIRE_TEAMID: team.uuid,
      },
      ...{ WIRE_OTHER_1: randomUUID(), WIRE_OTHER_2: randomUUID() },
    },
  });
  await expect(walk).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("add users") });
});
