import { describe, expect, test } from "vitest";
import { parseRedisUrl } from "../../../../src/hot/redis/connection/url.ts";

describe("REDIS_URL", () => {
  test("names one server, with defaults for port and database", () => {
    expect(parseRedisUrl("redis://cache")).toEqual({
      ...{ cluster: null, options: { host: "cache", port: 6_379, db: 0 }, db: 0, shown: "redis://cache" },
    });
    expect(parseRedisUrl("redis://[::1]:7000/3").options).toEqual({ host: "::1", port: 7_000, db: 3 });
  });

  test("carries user and password, decoded, and does not show them", () => {
    const { options, shown } = parseRedisUrl("rediss://app:p%40ss%2Fw@cache:6380/1");
    expect(options).toMatchObject({ username: "app", password: "p@ss/w", tls: {}, host: "cache", db: 1 });
    expect(shown).toBe("rediss://cache:6380/1");
    expect(parseRedisUrl("redis://:secret@cache").options).toMatchObject({ password: "secret" });
    expect(parseRedisUrl("redis://:secret@cache").options).not.toHaveProperty("username");
  });

  test("names sentinels, their master and its database", () => {
    const { cluster, options, db } = parseRedisUrl("redis+sentinel://:pw@s1:1,s2/main/4");
    expect(cluster).toBeNull();
    expect(options).toMatchObject({
      sentinels: [
        { host: "s1", port: 1 },
        { host: "s2", port: 26_379 },
      ],
      ...{ name: "main", password: "pw", db: 4 },
    });
    expect(db).toBe(4);
  });

  test("names nodes of a cluster", () => {
    const { cluster, options } = parseRedisUrl("rediss+cluster://u:p@n1:7000,n2");
    expect(cluster).toEqual([
      { host: "n1", port: 7_000 },
      { host: "n2", port: 6_379 },
    ]);
    expect(options).toEqual({ username: "u", password: "p", tls: {}, db: 0 });
  });

  test.each([
    ["http://cache", /none of the forms redis:\/\//],
    ["redis://", /none of the forms/],
    ["redis://cache?family=6", /none of the forms|no host/],
    ["redis://cache:99999", /"cache:99999" is no host/],
    ["redis://cache/db", /"db" is no number/],
    ["redis://a,b", /several hosts need/],
    ["redis+sentinel://s1:1", /needs the master's name/],
    ["redis+cluster://n1/2", /only database 0/],
  ])("%s is refused with the reason", (url, reason) => {
    expect(() => parseRedisUrl(url)).toThrow(reason);
  });

  test("a refusal never repeats the password", () => {
    expect(() => parseRedisUrl("redis://app:geheim@cache:0")).toThrow(/^((?!geheim).)*$/);
    expect(() => parseRedisUrl("redis://app:geheim@cache/x/y/z?")).toThrow(/^((?!geheim).)*$/);
  });
});
