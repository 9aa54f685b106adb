/** [B.8.6] Whom a text mentions, and [B.8.7] who can be mentioned. */
import { expect, test } from "vitest";
import type { TextPart } from "../../../src/domain/use-cases/messages.ts";
import { describeDomain, guest, type Person, refused, SYSTEM_ACTOR } from "../world.ts";

function shown(parts: TextPart[] | undefined): string | undefined {
  return parts
    ?.map((part) => {
      if (part.kind === "text") return part.text;
      if (part.kind === "user") return `[user ${part.user.displayName}]`;
      return part.kind === "all" ? "[all]" : `[guest ${part.guest.name}]`;
    })
    .join("");
}

describeDomain("mentions", (world) => {
  const at = ({ user }: Person) => `@${user.handle}`;

  test("[B.8.6] any user who exists for the reader is mentioned, member or not; strangers of other organizations are not", async () => {
    const [mine, other] = [await world.organization(), await world.organization()];
    const [ada, bob] = [await world.person("Ada", mine), await world.person("Bob", mine)];
    const foreign = await world.person("Eve", other);
    const room = await world.group([ada]);
    const texts = [`hi ${at(bob)}, @all and ${at(foreign)}`, "no one"];
    const parsed = await world.useCases.mentions.parse(ada.actor, room.token, texts);
    expect(parsed.map(shown)).toEqual([`hi [user Bob], [all] and ${at(foreign)}`, "no one"]);
    expect(world.useCases.mentions.idsOf(parsed[0] ?? [])).toEqual([String(bob.id), "all"]);
  });

  test("[B.8.6] members are mentioned whoever they are, and a guest by the id that the room gave them", async () => {
    const ada = await world.person("Ada", await world.organization());
    const foreign = await world.person("Eve", await world.organization());
    const room = await world.group([ada]);
    const gast = guest("Gast");
    await world.useCases.roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [
      { member: foreign.actor, role: "user" },
      { member: gast, role: "guest" },
    ]);
    const text = `${at(foreign)} @"guest/${gast.id}" @"guest/nobody"`;
    const [parts] = await world.useCases.mentions.parse(ada.actor, room.token, [text]);
    expect(shown(parts)).toBe('[user Eve] [guest Gast] @"guest/nobody"');
    const [forGuest] = await world.useCases.mentions.parse(gast, room.token, [at(ada)]);
    expect(shown(forGuest)).toBe("[user Ada]");
  });

  test("handles are found whatever their case, deleted users are not", async () => {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    const room = await world.group([ada, bob]);
    const [before] = await world.useCases.mentions.parse(ada.actor, room.token, [at(bob).toUpperCase()]);
    expect(shown(before)).toBe("[user Bob]");
    await world.useCases.directory.deleteUser(bob.id);
    const [after] = await world.useCases.mentions.parse(ada.actor, room.token, [at(bob)]);
    expect(shown(after)).toBe(at(bob));
  });

  test("[B.8.7] candidates are everybody, then users and guests in order of joining, never oneself", async () => {
    const [ada, bob, cyd] = [await world.person("Ada"), await world.person("Bob"), await world.person("Cyd")];
    const room = await world.group([ada, cyd, bob]);
    const [unnamed, foobar] = [guest(""), guest("FooBar")];
    await world.useCases.roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [
      { member: unnamed, role: "guest" },
      { member: foobar, role: "guest" },
    ]);
    const ask = async (search: string, limit = 20) =>
      (await world.useCases.mentions.candidates(ada.actor, room.token, { search, limit })).map(
        ({ kind, label }) => `${kind} ${label}`,
      );
    const everybody = ["all Group", "user Cyd", "user Bob", "guest Guest", "guest FooBar"];
    expect(await ask("")).toEqual(everybody);
    // The whole room does not count.
    expect(await ask("", 2)).toEqual(everybody.slice(0, 3));
    expect(await ask("oob")).toEqual(["guest FooBar"]);
    expect(await ask("GROU")).toEqual(["all Group"]);
    expect(await ask("ada")).toEqual([]);
    expect(await ask(cyd.user.handle)).toEqual(["user Cyd"]);
    await refused(
      world.useCases.mentions.candidates(ada.actor, room.token, { search: "", limit: 0 }),
      "bad_request",
    );
  });

  test("[B.8.7] a one-to-one room has no everybody; a locked room and strangers have no candidates", async () => {
    const [ada, bob, eve] = [await world.person("Ada"), await world.person("Bob"), await world.person("Eve")];
    const { mentions, oneToOne, roomLifecycle } = world.useCases;
    const { room } = await oneToOne.open(ada.actor, bob.actor);
    const found = await mentions.candidates(ada.actor, room.token, { search: "", limit: 20 });
    expect(found).toEqual([{ kind: "user", id: bob.user.handle, label: "Bob" }]);
    const group = await world.group([ada, bob]);
    await refused(mentions.candidates(eve.actor, group.token, { search: "", limit: 20 }), "not_found");
    await roomLifecycle.setReadOnly(ada.actor, group.token, true);
    await refused(mentions.candidates(bob.actor, group.token, { search: "", limit: 20 }), "read_only");
  });
});
