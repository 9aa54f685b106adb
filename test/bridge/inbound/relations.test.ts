/** What a message from Matrix answers stays so, whatever happens to its sender and to the answered message. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { type Room, SYSTEM_ACTOR, userActor } from "../../../src/domain/model.ts";
import { faulty, isSend, killedAfterSend, refusal } from "../faulty.ts";
import { describeBridge, type Meeting, until } from "../world.ts";

describeBridge(
  "what messages from Matrix answer",
  (world) => {
    const answer = (eventId: string, text: string) => ({
      ...{ msgtype: "m.text", body: text, "m.relates_to": { "m.in_reply_to": { event_id: eventId } } },
    });
    const inThread = (eventId: string, text: string) => ({
      ...{ msgtype: "m.text", body: text },
      "m.relates_to": { rel_type: "m.thread", event_id: eventId, is_falling_back: true },
    });
    const said = async (room: Room, text: string) => {
      const events = (await world.events(room)).filter(({ type }) => type === "message");
      const found = events.find(({ dataJson }) => JSON.parse(dataJson).text === text);
      return { seq: found?.seq, ...JSON.parse(found?.dataJson ?? "{}") };
    };
    const isMember = async (room: Room, id: string) =>
      (await world.store.memberships.list([room.id])).some(({ member }) => member === `m:${id}`);

    /** Somebody of Matrix comes, by an invitation. */
    async function comes(
      { client, room, matrixRoom }: Meeting,
      who: Awaited<ReturnType<typeof world.stranger>>,
    ) {
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: who.id });
      await who.join(matrixRoom);
      await until("they are a member", () => isMember(room, who.id));
    }

    async function goes({ room, matrixRoom }: Meeting, who: Awaited<ReturnType<typeof world.stranger>>) {
      await who.leave(matrixRoom);
      await until("they are none any more", async () => !(await isMember(room, who.id)));
    }

    test("who left and came again answers, and takes back, what was said when they were there before", async () => {
      const here = await world.meeting();
      const { ada, room, matrixRoom, client } = here;
      const mel = await world.stranger();
      const name = mel.id.slice(1).split(":")[0];
      await comes(here, mel);
      const question = await client.say(matrixRoom, "a question");
      const own = await mel.say(matrixRoom, "a word too many");
      const reaction = await mel.react(matrixRoom, question, "👍");
      await world.untilSaid(room, `${name}: a word too many`);
      const { seq } = await said(room, "a question");
      const reactions = () => world.useCases.reactions.list(userActor(ada), room.token, seq);
      await until("the reaction is there", async () => (await reactions()).length === 1);
      await goes(here, mel);
      await comes(here, mel);
      await mel.say(matrixRoom, answer(question, "an answer"));
      await mel.say(matrixRoom, inThread(question, "in its thread"));
      await mel.redact(matrixRoom, reaction);
      await mel.redact(matrixRoom, own);
      await mel.say(matrixRoom, "that is all");
      await world.untilSaid(room, `${name}: that is all`);
      expect(await said(room, "an answer")).toMatchObject({ replyTo: seq });
      expect(await said(room, "in its thread")).toMatchObject({ thread: seq });
      expect(await reactions()).toEqual([]);
      expect(await world.texts(room)).toContain(`${name}: (deleted)`);
    });

    test("a message that a worker sent as a guest, and was killed, is known by its mark before it is sent again", async () => {
      const here = await world.meeting();
      const { room, matrixRoom, client } = here;
      const guest = { kind: "guest" as const, id: randomUUID(), name: "Gus" };
      await world.useCases.roomLifecycle.addMembers(SYSTEM_ACTOR, room.token, [
        { member: guest, role: "guest" },
      ]);
      await world.mirrored(room);
      await world.bridge.stop();
      const sent = { count: 0 };
      const killed = await world.startBridge({ homeserver: killedAfterSend(world.homeserver, sent) });
      const { seq } = await world.useCases.messages.send(guest, room.token, { id: "1", text: "by a guest" });
      await until("it was sent", async () => sent.count > 0);
      await killed.stop();
      const question = (await client.timeline(matrixRoom)).find(
        ({ content }) => content.body === "by a guest",
      );
      await world.startBridge({
        homeserver: faulty(world.homeserver, async (_, path, ask) => {
          if (isSend(path)) throw refusal(500, "M_UNKNOWN");
          return await ask();
        }),
      });
      await until("it is connected", async () => world.bridge.stats().connected);
      await client.say(matrixRoom, answer(question?.event_id ?? "", "to the guest"));
      await world.untilSaid(room, "Ada: to the guest");
      expect(await said(room, "to the guest")).toMatchObject({ replyTo: seq });
      await world.bridge.stop();
      await world.startBridge();
      await world.mirrored(room);
      expect(await world.bot.texts(matrixRoom)).toHaveLength(2);
    });
  },
  { scanMs: 300, reconcileMs: 600_000 },
);
