/** What a database was migrated with is compared with what this program has. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import postgres from "postgres";
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { copySchema } from "./copied-schema.ts";

describeWith("postgres", "migrations", ({ postgres: server }) => {
  /** A database as it was before the migration `before`, and how to bring it up with the rest. */
  async function world(before = "9") {
    const schema = await copySchema();
    const url = await server.createDatabase();
    await schema.upBefore(before, url);
    const names = (await readdir(schema.path("migrations"))).sort();
    const first = schema.path(`migrations/${names[0]}`);
    return { url, up: () => schema.up(url), first, last: names.at(-1)! };
  }

  test("are refused with a changed text, not with other line endings", async () => {
    const { up, first } = await world();
    const text = await readFile(first, "utf8");
    await writeFile(first, text.replaceAll("\n", "\r\n"));
    await up();
    await writeFile(first, `${text}\n-- changed`);
    await expect(up()).rejects.toThrow(/text of 0001-foundation\.sql changed after/);
  });

  test("are refused by a program older than the schema", async () => {
    const { url, up } = await world();
    const sql = postgres(url, { max: 1 });
    await sql`insert into causeway_migrations (name, checksum) values ('9999-future.sql', 'x')`;
    await expect(up()).rejects.toThrow(/newer than this program, which does not know 9999-future\.sql/);
    await sql.end();
  });

  test("are taken over as they are from a database without checksums", async () => {
    const { url, up, last } = await world();
    const sql = postgres(url, { max: 1 });
    await sql`alter table causeway_migrations drop column checksum`;
    await up();
    const rows = await sql<
      { checksum: string | null }[]
    >`select checksum from causeway_migrations where name = ${last}`;
    expect(rows[0]?.checksum).toMatch(/^[0-9a-f]{64}$/);
    await sql.end();
  });

  test("count the files that are there, of members and of organizations", async () => {
    const { url, up } = await world("0015");
    const sql = postgres(url, { max: 1 });
    await sql.unsafe(`
      insert into organizations (id, name) overriding system value values (1, 'one'), (2, 'two');
      insert into users (id, handle, handle_key, display_name, public_id) overriding system value values (7, 'a', 'a', 'A', 'a');
      insert into organization_users (organization_id, user_id, role) values (2, 7, 'member'), (1, 7, 'member');
      insert into conversations (id, token, public_id, organization_id, type, name, name_key, automation_enabled, history, created_by)
      overriding system value values (9, 't', 'p', 2, 'group', 'Room', 'room', false, 'joined', 'u:7');
      insert into attachments (id, owner, filename, type, size, created_at, conversation_id, seq, deleted_at) values
        ('a', 'u:7', 'f', 't', 5, 1, null, null, null), ('b', 'u:7', 'f', 't', 6, 1, 9, 1, null),
        ('c', 'u:7', 'f', 't', 70, 1, null, null, 1), ('d', 'm:@m:x', 'f', 't', 8, 1, 9, 2, null),
        ('e', 'm:@m:x', 'f', 't', 9, 1, null, null, null)`);
    await up();
    const usage = await sql`select key, bytes::int from file_usage order by key`;
    expect(usage.map(({ key, bytes }) => `${key} ${bytes}`)).toEqual([
      "m:@m:x 17",
      "o:1 11",
      "o:2 8",
      "u:7 11",
    ]);
    await sql.end();
  });

  test("give each room a picture of its own, and drop those of no room and their sent-back URLs", async () => {
    const { url, up } = await world("0015");
    const sql = postgres(url, { max: 1 });
    const [shared, orphan] = ["a".repeat(64), "b".repeat(64)];
    const own = `https://chat.example/api/v1/chat/avatars/${shared}`;
    await sql`insert into avatars (id, bytes, mime) values (${shared}, '\\x01', 'image/png'), (${orphan}, '\\x02', 'image/png')`;
    await sql`insert into bridge_state values (${`avatar:${shared}`}, 'mxc://x/1'), (${`avatar:${orphan}`}, 'mxc://x/2'), ('sync', 's')`;
    for (const [name, avatar, web] of [
      ["one", shared, own],
      ["two", shared, "https://a.example/1.png"],
      ["three", null, own],
    ]) {
      await sql`
        insert into conversations (token, public_id, type, name, name_key, automation_enabled, history, created_by, avatar_id, avatar_url)
        values (${name!}, ${name!}, 'group', ${name!}, ${name!}, false, 'joined', 'u:1', ${avatar!}, ${web!})`;
    }
    await up();
    const rooms = await sql`
      select c.avatar_url, a.id, a.bytes, s.value from conversations c
      left join avatars a on a.id = c.avatar_id and a.conversation_id = c.id
      left join bridge_state s on s.key = 'avatar:' || a.id order by c.id`;
    const bytes = Buffer.from([1]);
    const id = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect([...rooms]).toEqual([
      { avatar_url: null, id, bytes, value: "mxc://x/1" },
      { avatar_url: "https://a.example/1.png", id, bytes, value: "mxc://x/1" },
      { avatar_url: null, id: null, bytes: null, value: null },
    ]);
    expect(rooms[0]?.id).not.toBe(rooms[1]?.id);
    expect(await sql`select id from avatars where id in ${sql([shared, orphan])}`).toHaveLength(0);
    await sql`delete from conversations where name = 'one'`;
    expect(await sql`select key from bridge_state order by key`).toHaveLength(2);
    await sql.end();
  });
});
