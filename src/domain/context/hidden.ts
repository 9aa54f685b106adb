/** Which messages a reader has hidden for themselves, of those that some events are or show. */
import type { LoggedEvent, MemberKey } from "../model.ts";
import type { Store } from "../ports/store/store.ts";
import { othersIn } from "../visibility.ts";

/** Whether the reader hid the message at this seq of the room. */
export type IsHidden = (roomId: number, seq: number) => boolean;

const NOTHING: IsHidden = () => false;

/**
 * One query where the reader hid anything, else none.
 * @param readerIn by room: the reader, where they hid messages there
 */
export async function hiddenIn(
  { messages }: Pick<Store, "messages">,
  readerIn: (roomId: number) => MemberKey | undefined,
  events: readonly LoggedEvent[],
): Promise<IsHidden> {
  const concerned = events.filter(({ roomId }) => readerIn(roomId) !== undefined);
  const reader = concerned[0] && readerIn(concerned[0].roomId);
  if (reader === undefined) return NOTHING;
  const places = concerned.flatMap((event) =>
    [event.seq, ...othersIn(event)].map((seq) => ({ roomId: event.roomId, seq })),
  );
  const hidden = await messages.hiddenOf(reader, places);
  const keys = new Set(hidden.map(({ roomId, seq }) => `${roomId} ${seq}`));
  return (roomId, seq) => keys.has(`${roomId} ${seq}`);
}
