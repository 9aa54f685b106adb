/** From the chat to Matrix. */
import { expect, test } from "vitest";
import { userActor } from "../../src/domain/model.ts";
import { describeBridge } from "./world.ts";

describeBridge("from the chat to Matrix", (world) => {
  test("messages come as their senders' ghosts, under their names, in the order of the log", async () => {
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await world.group([ada, ben]);
    for (let n = 1; n <= 5; n++) await world.say(n % 2 ? ada : ben, room, `message ${n}`);
    const matrixRoom = await world.mirrored(room);
    const name = (id: number) => world.ghosts.localpart(id);
    expect(await world.bot.texts(matrixRoom)).toEqual(
      [1, 2, 3, 4, 5].map((n) => `${name(n % 2 ? ada.id : ben.id)}: message ${n}`),
    );
    const member = await world.bot.state(matrixRoom, "m.room.member", world.ghosts.ofUser(ada.id));
    expect(member).toMatchObject({ membership: "join", displayname: "Ada" });
    expect((await world.store.rooms.byId(room.id))?.matrixRoomId).toBe(matrixRoom);
  });

  test("an answer, an edit and a deletion refer to the message they are about", async () => {
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await world.group([ada, ben]);
    const first = await world.say(ada, room, "first");
    await world.say(ben, room, "an answer", { replyTo: first, mentions: [String(ada.id)] });
    const gone = await world.say(ada, room, "to be deleted");
    await world.mirrored(room);
    await world.useCases.messages.edit(userActor(ada), room.token, first, "first, edited");
    await world.useCases.messages.remove(userActor(ada), room.token, gone);
    const events = (await world.bot.timeline(await world.mirrored(room))).filter(
      ({ type }) => type === "m.room.message",
    );
    const [original, answer, deleted, edit] = events;
    expect(answer?.content).toMatchObject({
      body: "an answer",
      "m.relates_to": { "m.in_reply_to": { event_id: original?.event_id } },
      "m.mentions": { user_ids: [world.ghosts.ofUser(ada.id)] },
    });
    expect(deleted).toMatchObject({
      content: {},
      unsigned: { redacted_because: { sender: world.ghosts.ofUser(ada.id) } },
    });
    expect(edit?.content).toMatchObject({
      body: "* first, edited",
      "m.new_content": { body: "first, edited" },
      "m.relates_to": { rel_type: "m.replace", event_id: original?.event_id },
    });
    expect(original?.unsigned?.["m.relations"]?.["m.replace"]).toBeDefined();
  });
});
