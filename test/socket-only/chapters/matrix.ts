/** The same rooms in a Matrix client, signed in with what the socket gave. */
import { expect } from "vitest";
import { openMatrixApp } from "../matrix-app.ts";
import type { Story } from "../story.ts";

/** Cleo's Matrix client has her rooms, and what is said there is said everywhere under her name. */
export async function cleoTakesAMatrixClient(story: Story): Promise<void> {
  const { bens, cleos, ada, ben, cleo, matrixIds, rooms } = story;
  const { team = "" } = rooms;
  const account = await cleos.client.matrix();
  expect(account).toMatchObject({ username: expect.any(String), password: expect.any(String) });
  for (const { id } of [ada, ben, cleo]) {
    matrixIds.set(id, account.matrixId.replace(new RegExp(`${cleo.id}(?=:)`), id));
  }
  const matrix = await openMatrixApp(account);
  story.matrix = matrix;
  const matrixRoom = await matrixRoomOf(story, team);
  await matrix.enter(matrixRoom);
  await matrix.say(matrixRoom, "Hello from Matrix");
  await bens.until("it", () => bens.client.room(team).getSnapshot()?.last?.data.text === "Hello from Matrix");
  expect(bens.client.room(team).getSnapshot()?.last?.actor).toMatchObject({ kind: "user", id: cleo.id });
}

/** Answers, reactions and edits from Matrix are those of the app. */
export async function matrixAnswers({
  phone,
  matrix,
  cleo,
  rooms: { team = "" },
  ...story
}: Story): Promise<void> {
  if (!matrix) throw new Error("there is no Matrix client");
  const matrixRoom = phone.client.room(team).getSnapshot()?.ids?.matrix ?? "";
  const { seq } = await phone.client.send(team, "Cleo, which boat?");
  await expect
    .poll(async () => (await matrix.messages(matrixRoom)).at(-1)?.text, { timeout: 30_000 })
    .toBe("Cleo, which boat?");
  const asked = (await matrix.messages(matrixRoom)).at(-1)?.event ?? "";
  await matrix.react(matrixRoom, asked, "⛵");
  const relation = { "m.relates_to": { "m.in_reply_to": { event_id: asked } } };
  const answer = await matrix.say(matrixRoom, "The blue", relation);
  await matrix.edit(matrixRoom, answer, "The red one");
  const last = () => phone.client.room(team).getSnapshot()?.last;
  await phone.until("the answer", () => last()?.data.text === "The red one");
  expect(last()).toMatchObject({ actor: { id: cleo.id }, data: { replyTo: seq } });
  const { events } = await story.laptop.client.history({ room: team, around: seq, limit: 1 });
  expect(events[0]?.data).toMatchObject({ reactions: [{ count: 1, actors: [{ id: cleo.id }] }] });
}

/** Ada signs a device in to Matrix, without a password. */
export async function adaSignsADeviceIn({ phone, matrixIds, rooms: { team = "" } }: Story): Promise<void> {
  const account = await phone.client.matrix({ device: "ADASTABLET" });
  expect(account).toMatchObject({ device: "ADASTABLET", matrixId: matrixIds.get(phone.person.id) });
  const tablet = await openMatrixApp(account);
  const matrixRoom = phone.client.room(team).getSnapshot()?.ids?.matrix ?? "";
  await tablet.enter(matrixRoom);
  await tablet.say(matrixRoom, "From my tablet");
  await phone.until("it", () => phone.client.room(team).getSnapshot()?.last?.data.text === "From my tablet");
  expect(phone.client.room(team).getSnapshot()?.last?.actor.id).toBe(phone.person.id);
  await tablet.close();
}

/** The Matrix id of a room is in the entry that a new session gets, once the room is in Matrix. */
async function matrixRoomOf({ phone }: Story, room: string): Promise<string> {
  const matrixId = () => phone.client.room(room).getSnapshot()?.ids?.matrix;
  await expect
    .poll(
      async () => {
        if (matrixId()) return matrixId();
        phone.client.refresh();
        await phone.client.connect();
        return matrixId();
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBeDefined();
  return matrixId() ?? "";
}
