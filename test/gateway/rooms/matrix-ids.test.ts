/** [GW-17] Users have the id of their account in Matrix wherever they are shown, and none without a homeserver. */
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { person, room, site } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

describeWith("postgres", "ids of users in Matrix", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  const matrixIdOf = (id: number) => `@cw_${id}:example.org`;

  test("[GW-17] in ready, of the other, of members, people and whom one blocks, and in frames", async () => {
    const one = await node({ matrixIdOf });
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const { token } = await room(one, [ada, bob]);
    const [a, b] = [await raw(one), await raw(one)];
    await b.hello(bob.token);
    const matrix = matrixIdOf(bob.id);
    const user = { id: String(bob.id), matrix };
    expect(await a.hello(ada.token)).toMatchObject({ user: { matrix: matrixIdOf(ada.id) } });
    expect(await a.ask({ op: "room.direct", ref: 1, user: user.id })).toMatchObject({ room: { peer: user } });
    const { members } = await a.ask({ op: "members", ref: 2, room: token });
    expect(members).toMatchObject([{ user: { matrix: matrixIdOf(ada.id) } }, { user }]);
    expect(await a.ask({ op: "users", ref: 3, ids: [user.id] })).toMatchObject({ users: [user] });
    await a.ask({ op: "block", ref: 4, user: user.id });
    expect(await a.ask({ op: "blocked", ref: 5 })).toMatchObject({ users: [user] });
    expect(await b.ask({ op: "profile", ref: 6, name: "Bobby" })).toMatchObject({ user });
    const renamed = (frame: Frame) => frame.op === "user";
    expect(await a.next(renamed)).toMatchObject({ user: { ...user, name: "Bobby" } });
    const again = await raw(one);
    const { rooms } = await again.hello(ada.token);
    expect((rooms as { peer?: object }[]).flatMap(({ peer }) => peer ?? [])).toMatchObject([user]);
  });

  test("without a homeserver there is none", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const { user } = await (await raw(one)).hello(ada.token);
    expect(user).not.toHaveProperty("matrix");
  });
});
