/** [GW-6.13] A room that is marked as unread. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { meetings, say, site } from "../fixtures.ts";
import type { Frame } from "../raw-client.ts";

const isUnread = ({ op }: Frame) => op === "unread";

describeWith("postgres", "marking a room as unread", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  const { meet, session, ask } = meetings({ node, raw });

  const setting = async () => {
    const { one, people, home } = await meet("Ada", "Bob");
    const [ada, bob] = people;
    const { seq } = await say(one, bob, home, "hello");
    const [laptop, phone] = [await session(ada), await session(ada)];
    const read = (more: object) => ask(laptop, { op: "read", room: home.token, ...more });
    const isMarked = async () => {
      const another = await raw(one);
      const { rooms } = (await another.hello(ada.token)) as unknown as { rooms: { settings: object }[] };
      await another.drop();
      return rooms[0]?.settings;
    };
    return { one, ada, home, laptop, phone, read, isMarked, seq };
  };

  test("[GW-6.13] it stands in the entry and leaves the marker; other sessions hear of it", async () => {
    const { home, phone, read, isMarked, seq } = await setting();
    await read({ seq });
    await phone.next(isUnread);
    expect(await isMarked()).not.toHaveProperty("unreadMark");
    const counts = { read: seq, unread: 0, mention: 0 };
    expect(await read({ unread: true })).toMatchObject({ op: "ok", ...counts });
    expect(await phone.next(isUnread)).toEqual({
      op: "unread",
      room: home.token,
      ...counts,
      unreadMark: true,
    });
    expect(await isMarked()).toMatchObject({ unreadMark: true });
    expect(await read({ unread: true })).toMatchObject({ op: "ok", ...counts });
  });

  test("[GW-6.13] a read takes it away, also one that moves no marker, and so does a send", async () => {
    const { home, laptop, phone, read, isMarked, seq } = await setting();
    await read({ seq });
    await read({ unread: true });
    await read({ seq: 1 });
    await phone.next((frame) => isUnread(frame) && frame.unreadMark === true);
    expect(await phone.next(isUnread)).toEqual({
      ...{ op: "unread", room: home.token, read: seq, unread: 0, mention: 0 },
    });
    expect(await isMarked()).not.toHaveProperty("unreadMark");
    await read({ unread: true });
    await laptop.ask({ op: "send", ref: "s", room: home.token, id: randomUUID(), text: "hi" });
    expect(await isMarked()).not.toHaveProperty("unreadMark");
  });

  test("[GW-6.13] it is said alone", async () => {
    const { read } = await setting();
    expect(await read({})).toMatchObject({ code: "bad_request", field: "seq" });
    expect(await read({ unread: true, seq: 1 })).toMatchObject({ code: "bad_request", field: "seq" });
    expect(await read({ unread: true, thread: 1 })).toMatchObject({ code: "bad_request", field: "thread" });
    expect(await read({ unread: false, seq: 1 })).toMatchObject({ code: "bad_request", field: "unread" });
  });
});
