/** Signing in, and a login that renews itself. */
import { expect } from "vitest";
import { Refused } from "../../../src/client/failures.ts";
import { signIn } from "../../../src/client/sign-in/sign-in.ts";
import { openBareMessenger, openMessenger } from "../messenger.ts";
import type { Stage } from "../stage.ts";
import type { Story } from "../story.ts";

/** Ada signs in on two devices, Ben and Cleo on one each. */
export async function everybodySignsIn(stage: Stage): Promise<Story> {
  const [ada, ben, cleo] = await Promise.all(["Ada", "Ben", "Cleo"].map((name) => stage.newPerson(name)));
  if (!ada || !ben || !cleo) throw new Error("somebody is missing");
  const wrong = signIn({ url: stage.url, handle: ada.handle, password: "a guess" });
  await expect(wrong).rejects.toBeInstanceOf(Refused);
  const phone = await openMessenger(stage, ada, { device: "Ada's phone" });
  const laptop = await openBareMessenger(stage, ada, { device: "Ada's laptop" });
  const bens = await openMessenger(stage, ben, { device: "Ben's phone" });
  const cleos = await openMessenger(stage, cleo, { device: "Cleo's phone" });
  for (const { client, person } of [phone, laptop, bens, cleos]) {
    expect(client.user).toMatchObject({ id: person.id, handle: person.handle, name: person.name });
  }
  return {
    ...{ stage, ada, ben, cleo, phone, laptop, bens, cleos },
    ...{ matrix: null, matrixIds: new Map(), hidden: new Set(), rooms: {} },
  };
}

/** The phone gets a new token, although the answer is lost once, and its session goes on with it. */
export async function renewing({ stage: { recorder }, phone }: Story): Promise<void> {
  const before = await phone.login.token();
  let lost = 0;
  recorder.breaks = (_, path) => path === "/access" && lost++ === 0;
  const next = await phone.login.token(true);
  expect(lost).toBe(2);
  expect(next.token).not.toBe(before.token);
  expect(next.expiresAt).toBeGreaterThan(Date.now());
  expect(await phone.client.token({ token: next.token })).toEqual({ user: phone.person.id });
  recorder.breaks = () => false;
}

/** Each device is a login with its name; none of them is somebody else's. */
export async function devicesAreListed({ phone }: Story): Promise<void> {
  await expect
    .poll(async () => (await phone.client.sessions()).sessions.map(({ device }) => device).sort(), {
      timeout: 30_000,
    })
    .toEqual(["Ada's laptop", "Ada's phone"]);
  expect(await phone.client.identities()).toEqual({ identities: [] });
  const { sessions } = await phone.client.sessions();
  expect(sessions.filter(({ current }) => current).map(({ device }) => device)).toEqual(["Ada's phone"]);
}
