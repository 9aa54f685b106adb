/** What the store promises about finding people by a part of their handle or name: who is found, and that no table is read for it. */
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { User } from "../../../src/domain/model.ts";
import { foundFor } from "../../../src/store/accounts/users.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";

export function peopleSearchContract(store: () => PostgresStore): void {
  const create = (handle: string, displayName: string): Promise<User> =>
    store().transaction((tx) =>
      tx.users.create({ handle, displayName, email: null, passwordHash: null, administrator: false }),
    );

  describe("finding people by a part of their names", () => {
    test("whatever the case and the script, by one character too, and only where all of it stands together", async () => {
      const mark = randomUUID().slice(0, 8);
      const names = ["Ada Löwe", "ÄRGER 🚒", "O'Neil 100%_\\", "Abcxbcd", "山田太郎", "İpek", "x", "ωmega"];
      const users: User[] = [];
      for (const [i, name] of names.entries()) users.push(await create(`${mark}-${i}`, `${name} ${mark}`));
      const me = await create(`me-${mark}`, "Me");
      const found = async (text: string) =>
        (await store().users.search(me.id, { text, limit: 100 }))
          .filter(({ handle }) => handle.startsWith(mark))
          .map(({ displayName }) => displayName.replace(` ${mark}`, ""));
      expect(await found(mark)).toEqual(names);
      expect(await found(`${mark.toUpperCase()}-3`)).toEqual(["Abcxbcd"]);
      expect(await found("a löWE")).toEqual(["Ada Löwe"]);
      expect(await found(`löwe ${mark}`)).toEqual(["Ada Löwe"]);
      expect(await found("ÄRGER 🚒")).toEqual(["ÄRGER 🚒"]);
      expect(await found("🚒")).toEqual(["ÄRGER 🚒"]);
      for (const text of ["'", "%_", "\\"]) expect(await found(text), text).toEqual(["O'Neil 100%_\\"]);
      expect(await found("田太")).toEqual(["山田太郎"]);
      // It has all the runs of three characters, but not one after the other.
      expect(await found("abcd")).toEqual([]);
      expect(await found("pek")).toEqual(["İpek"]);
      expect(await found(`x ${mark}`)).toEqual(["x"]);
      expect(await found("ω")).toEqual(["ωmega"]);
      const handles = (search: string, limit = 100, offset = 0) =>
        store().users.handles({ search, limit, offset });
      expect(await handles(mark.toUpperCase(), 2, 1)).toEqual([`${mark}-1`, `${mark}-2`]);
      expect(await handles(`löwe ${mark}`)).toEqual([`${mark}-0`]);
      expect(await handles("ω")).toContain(`${mark}-7`);
      expect(await handles("", 1)).toHaveLength(1);
    });

    test("by the index of names, not by reading all users; a new name is found at once, an old one no more", async () => {
      const mark = randomUUID().slice(0, 8);
      const me = await create(`me-${mark}`, "Me");
      const { sql } = store();
      await sql`
        insert into users (public_id, handle, handle_key, display_name)
        select ${mark}::text || n, ${mark}::text || n, ${mark}::text || n, 'Somebody ' || md5(n::text)
        from generate_series(1, 5000) n`;
      await sql`analyze users`;
      for (const text of [`${mark}4711`, "somebody 79CFeb"]) {
        const plan = await sql<{ "QUERY PLAN": string }[]>`
          explain select u.id from users u where u.deleted_at is null and ${foundFor(sql, me.id, text, 100)}`;
        const steps = plan.map((row) => row["QUERY PLAN"]).join("\n");
        expect(steps).toContain("users_names");
        expect(steps).not.toContain("Seq Scan on users u");
      }
      const [user] = await store().users.search(me.id, { text: `${mark}4711`, limit: 100 });
      await store().transaction((tx) =>
        tx.users.update(user?.id as number, { displayName: `Renamed ${mark}` }),
      );
      const named = async (text: string) =>
        (await store().users.search(me.id, { text, limit: 100 })).map(({ id }) => id);
      expect(await named(`renamed ${mark}`)).toEqual([user?.id]);
      expect(await named(user?.displayName as string)).toEqual([]);
      // Each is looked for in all tables that name users: on a busy machine that takes longer than a statement may.
      await store().sql.begin(async (tx) => {
        await tx`set local statement_timeout = 0`;
        await tx`delete from users where handle_key like ${`${mark}%`}`;
      });
    });
  });
}
