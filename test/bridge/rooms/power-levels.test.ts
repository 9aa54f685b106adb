import { expect, test } from "vitest";
import { botLevelIn, powerLevels } from "../../../bridge/rooms/power-levels.ts";

const people = [
  { matrixId: "@cw_1:hs", role: "owner" as const },
  { matrixId: "@cw_2:hs", role: "moderator" as const },
  { matrixId: "@cw_3:hs", role: "user" as const },
];
const levels = (roomVersion: string, more = {}) =>
  powerLevels({
    roomVersion,
    type: "group",
    bot: "@cw_bot:hs",
    members: people,
    readOnly: false,
    posting: "all",
    blocked: false,
    ...more,
  });

test("roles become levels; the bot, who made the room, is named up to version 11 only", () => {
  expect(levels("12").users).toEqual({ "@cw_1:hs": 100, "@cw_2:hs": 50 });
  expect(levels("11").users).toEqual({ "@cw_bot:hs": 150, "@cw_1:hs": 100, "@cw_2:hs": 50 });
});

test("a bot that made its room with a lower level keeps that, and owners stay below it", () => {
  const before = { ...levels("11").users, "@cw_bot:hs": 100 };
  const botLevel = botLevelIn({ users: before }, "@cw_bot:hs");
  const now = levels("11", { botLevel });
  expect(now.users).toEqual({ "@cw_bot:hs": 100, "@cw_1:hs": 99, "@cw_2:hs": 50 });
  expect(now.state_default).toBe(100);
  for (const users of [{}, undefined, { "@cw_bot:hs": "150" }, { "@cw_bot:hs": 9_000 }])
    expect(botLevelIn({ users }, "@cw_bot:hs")).toBeUndefined();
});

test.each(["9", "11", "12", "13"])("version %s: nobody but the bot changes what is the chat's", (version) => {
  const { users, state_default, events } = levels(version);
  const highest = Math.max(...Object.entries(users).map(([id, level]) => (id === "@cw_bot:hs" ? 0 : level)));
  expect(state_default).toBeGreaterThan(highest);
  expect(events["m.room.encryption"]).toBeGreaterThan(highest);
});

test("a read-only room takes no messages, but what was said can be taken back", () => {
  const { events_default, events, users } = levels("12", { readOnly: true });
  expect(events_default).toBeGreaterThan(Math.max(...Object.values(users)));
  expect(events["m.room.redaction"]).toBe(0);
});

test("where only moderators write, members react all the same; a read-only room is for nobody", () => {
  const { events_default, events, users } = levels("12", { posting: "moderators" });
  expect(users["@cw_2:hs"]).toBeGreaterThanOrEqual(events_default);
  expect(users["@cw_3:hs"] ?? 0).toBeLessThan(events_default);
  expect(events).toMatchObject({ "m.reaction": 0, "m.room.redaction": 0 });
  const both = levels("12", { posting: "moderators", readOnly: true });
  expect(both.events_default).toBeGreaterThan(Math.max(...Object.values(both.users)));
  expect(both.events).not.toHaveProperty("m.reaction");
});

test("neither of two changes what their one-to-one room is", () => {
  const { kick, invite, events, users } = levels("12", { type: "one_to_one" });
  const highest = Math.max(...Object.values(users));
  for (const level of [kick, invite, events["m.room.name"]]) expect(level).toBeGreaterThan(highest);
});

test("while one of two blocks the other, each takes back their own messages alone", () => {
  const { redact, events, users } = levels("12", { type: "one_to_one", blocked: true });
  expect(redact).toBeGreaterThan(Math.max(...Object.values(users)));
  expect(events["m.room.redaction"]).toBe(0);
});
