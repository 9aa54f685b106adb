/** What a homeserver must be able to do for the bridge: one case of the list that runs against each. */
import { userActor } from "../../src/domain/model.ts";
import type { MatrixUser, TimelineEvent } from "../bridge/matrix-user.ts";
import { type Meeting, until, type World } from "../bridge/world.ts";

export interface Site {
  world: World;
  /** Ada's group with Ben, which she is in with a Matrix client, and which all cases share that change nothing of it. */
  here: Meeting;
  /** kill -9 of the homeserver, and its start on the same data. */
  restart(): Promise<void>;
}

export interface Case {
  name: string;
  run(site: Site): Promise<void>;
}

let words = 0;
/** Words that were not said before. */
export const fresh = (what: string) => `${what} ${words++}`;

export function say(site: Site, text: string, more: object = {}): Promise<number> {
  return site.world.say(site.here.ben, site.here.room, text, more);
}

/** The event whose body is this, once it is in Matrix. */
export function inMatrix({ here: { client, matrixRoom } }: Site, body: string): Promise<TimelineEvent> {
  return until(`“${body}” is in Matrix`, async () =>
    (await client.timeline(matrixRoom)).find(({ content }) => content.body === body),
  );
}

/** The message whose text is this, once it is in the chat. */
export function inChat({ world, here }: Site, text: string) {
  return until(`“${text}” is in the chat`, async () =>
    (await messages(world, here)).find(({ data }) => data.text === text),
  );
}

export async function messages(world: World, { room }: Pick<Meeting, "room">) {
  const events = await world.events(room);
  return events
    .filter(({ type }) => type === "message")
    .map(({ seq, actor, dataJson }) => ({
      seq,
      actor,
      data: JSON.parse(dataJson) as Record<string, unknown>,
    }));
}

export function untilRedacted({ here: { client, matrixRoom } }: Site, eventId: string): Promise<boolean> {
  return until("the event is redacted", async () => {
    const event = (await client.timeline(matrixRoom)).find(({ event_id: id }) => id === eventId);
    return (
      event?.unsigned?.redacted_because !== undefined || Object.keys(event?.content ?? { x: 1 }).length === 0
    );
  });
}

/** The members of a Matrix room that are in it or invited. */
export async function membersOf(client: MatrixUser, matrixRoom: string): Promise<Map<string, string>> {
  const state = await client.ask<TimelineEvent[]>("GET", `rooms/${encodeURIComponent(matrixRoom)}/state`);
  return new Map(
    state.flatMap(({ type, state_key: id = "", content }) =>
      type === "m.room.member" ? [[id, content.membership ?? ""] as const] : [],
    ),
  );
}

export const as = userActor;
