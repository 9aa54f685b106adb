import { describe, expect, test } from "vitest";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";

const ghosts = createGhosts({ prefix: "cw_", serverName: "hs.test", senderLocalpart: "cw_sender" });

describe("the names of ghosts", () => {
  test("a user's ghost is named by id and can be read back", () => {
    expect(ghosts.ofUser(42)).toBe("@cw_42:hs.test");
    expect(ghosts.ofActor({ kind: "user", id: "42" })).toBe("@cw_42:hs.test");
    expect(ghosts.read("@cw_42:hs.test")).toEqual({ kind: "user", userId: 42 });
  });

  test("Causeway itself is the bot", () => {
    expect(ghosts.ofActor({ kind: "system", id: "organization:7" })).toBe("@cw_bot:hs.test");
    expect(ghosts.read("@cw_bot:hs.test")).toEqual({ kind: "bot" });
  });

  test.each([
    "@cw_042:hs.test",
    "@cw_guest_x:hs.test",
    "@cw_:hs.test",
    "@cw_99999999999999999:hs.test",
    "@cw_sender:hs.test",
  ])("%s is ours, but no user", (id) => expect(ghosts.read(id)).toEqual({ kind: "other" }));

  test.each(["@cw_42:elsewhere.test", "@ada:hs.test", "@Cw_42:hs.test", "nonsense", "@cw_42:hs.test.evil"])(
    "%s is not ours",
    (id) => expect(ghosts.read(id)).toBeNull(),
  );

  test("guests differ also when only case or odd characters tell them apart, and keep to Matrix' grammar", () => {
    const ids = ["Ab", "ab", "_ab", "a_b", "a b", "ä", "x".repeat(300), "y".repeat(300)];
    const names = ids.map((id) => ghosts.ofActor({ kind: "guest", id }));
    expect(new Set(names).size).toBe(ids.length);
    for (const name of names) expect(name).toMatch(/^@cw_guest_[a-z0-9._=/+-]+:hs\.test$/);
  });
});
