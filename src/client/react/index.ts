/**
 * React hooks over a client with a store: `import … from "@causeway/client/react"`.
 *
 *     <ChatProvider client={client}>…</ChatProvider>
 *
 *     const messages = useMessages(room);
 *     const send = useSend(room);
 *
 * Each hook subscribes to one value of the client, and draws again when that value has changed.
 */
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useSyncExternalStore,
} from "react";
import type { WireActor, WireContact } from "../../protocol/frames.ts";
import type { Message } from "../client.ts";
import type { Observable } from "../emitter.ts";
import type { LocalClient } from "../local/local-client.ts";
import type { TimelineItem } from "../local/timeline/timeline.ts";
import type { Ack } from "../outbox.ts";
import type { ConnectionState } from "../reconnecting-connection.ts";
import type { Room } from "../rooms.ts";
import { keepOpen } from "./open-rooms.ts";

const Current = createContext<LocalClient | null>(null);

/** Gives the client to the hooks of the components in it. */
export function ChatProvider(props: { client: LocalClient; children?: ReactNode }): ReactElement {
  return createElement(Current.Provider, { value: props.client }, props.children);
}

/** The client of the nearest {@link ChatProvider}. @throws Error where there is none */
export function useClient(): LocalClient {
  const client = useContext(Current);
  if (!client) throw new Error("put the component into a <ChatProvider client={…}>");
  return client;
}

/** Our rooms, newest activity first. */
export function useRooms(): readonly Room[] {
  return useObservable(useClient().rooms);
}

/** A room's entry: name, unread, last message. Undefined while we are not in the room, as far as is known. */
export function useRoom(room: string): Room | undefined {
  return useObservable(useClient().room(room));
}

/** What a room shows, oldest first; messages that are not acknowledged yet have `pending`. */
export function useMessages(room: string): readonly TimelineItem[] {
  return useObservable(useClient().room(room).messages);
}

/** Who types in the room, beside us. The room is open while a component asks. */
export function useTyping(room: string): readonly WireActor[] {
  useOpenRoom(room);
  return useObservable(useClient().room(room).typing);
}

/** Who looks at the room. The room is open while a component asks. */
export function usePresence(room: string): readonly WireActor[] {
  useOpenRoom(room);
  return useObservable(useClient().room(room).presence);
}

/** Sends messages to the room; the same function until the room is another. Its promise is that of `client.send`. */
export function useSend(room: string): (text: string, more?: Partial<Message>) => Promise<Ack> {
  const client = useClient();
  return useCallback((text, more = {}) => client.send(room, text, more), [client, room]);
}

/** The user's contact book: who is in it, and how they are called there. */
export function useContacts(): readonly WireContact[] {
  return useObservable(useClient().contactBook);
}

/** Whether there is a session, for a line that says so. */
export function useConnection(): ConnectionState {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.on("state", listener), [client]);
  return useSyncExternalStore(
    subscribe,
    () => client.state,
    () => client.state,
  );
}

function useOpenRoom(room: string): void {
  const client = useClient();
  useEffect(() => keepOpen(client, room), [client, room]);
}

function useObservable<T>({ subscribe, getSnapshot }: Observable<T>): T {
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
