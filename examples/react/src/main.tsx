/** A chat that works offline: sign-in, rooms, messages, who types and who is there. */
import { type Login, signedIn, signIn, webStorageLogin } from "@causeway/client";
import { createLocalClient, type LocalClient, type TimelineItem } from "@causeway/client/local";
import {
  ChatProvider,
  useClient,
  useConnection,
  useMessages,
  usePresence,
  useRoom,
  useRooms,
  useSend,
  useTyping,
} from "@causeway/client/react";
import { indexedDbStore } from "@causeway/client/stores/indexeddb";
import { type FormEvent, StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

const url = location.origin;
const storage = webStorageLogin(localStorage, "login");

interface Session {
  login: Login;
  client: LocalClient;
}

async function start(login: Login): Promise<Session> {
  const client = createLocalClient({ ...login, device: "web", store: indexedDbStore(`chat-${login.user}`) });
  // What the device has is drawn at once; the connection may take its time, or not come.
  await client.load();
  client.connect().catch(() => storage.save(null));
  return { login, client };
}

/** The login of an earlier visit. */
const kept = signedIn({ url, storage }).then((login) => login && start(login));

function App() {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => void kept.then(setSession), []);
  if (!session) return <SignIn onSignedIn={async (login) => setSession(await start(login))} />;
  const leave = async () => {
    await session.login.signOut();
    await session.client.disconnect();
    setSession(null);
  };
  return (
    <ChatProvider client={session.client}>
      <Chat onLeave={leave} />
    </ChatProvider>
  );
}

function SignIn({ onSignedIn }: { onSignedIn: (login: Login) => unknown }) {
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const [handle, password] = [String(form.get("handle")), String(form.get("password"))];
    await signIn({ url, storage, handle, password }).then(onSignedIn, (error) => setProblem(error.message));
  };
  return (
    <form onSubmit={submit}>
      <input name="handle" placeholder="Handle" autoComplete="username" />
      <input name="password" type="password" placeholder="Password" autoComplete="current-password" />
      <button type="submit">Sign in</button>
      <p role="alert">{problem}</p>
    </form>
  );
}

function Chat({ onLeave }: { onLeave: () => void }) {
  const rooms = useRooms();
  const connection = useConnection();
  const [chosen, setChosen] = useState<string | null>(null);
  const room = chosen ?? rooms[0]?.room;
  return (
    <div className="chat">
      <header>
        <span id="state">{connection.name}</span>
        <button type="button" onClick={onLeave}>
          Sign out
        </button>
      </header>
      <nav>
        {rooms.map((entry) => (
          <button
            type="button"
            key={entry.room}
            aria-current={entry.room === room}
            onClick={() => setChosen(entry.room)}
          >
            {entry.name} {entry.unread > 0 && <b>{entry.unread}</b>}
          </button>
        ))}
      </nav>
      {room && <Room key={room} room={room} />}
    </div>
  );
}

function Room({ room }: { room: string }) {
  const client = useClient();
  const entry = useRoom(room);
  const messages = useMessages(room);
  const typing = useTyping(room);
  const present = usePresence(room);
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView();
    if (entry && entry.head > entry.read) client.read({ room, seq: entry.head }).catch(() => undefined);
  }, [client, room, entry]);
  return (
    <main>
      <p id="present">
        {entry?.name}: {present.map(({ name }) => name).join(", ")}
      </p>
      <ol>
        {messages.map((item) => (
          <Item key={item.key} item={item} />
        ))}
        <li ref={end} id="typing">
          {typing.length > 0 && `${typing.map(({ name }) => name).join(", ")} …`}
        </li>
      </ol>
      <Composer room={room} />
    </main>
  );
}

function Item({ item }: { item: TimelineItem }) {
  if (item.type !== "message") return null;
  const { actor, data, pending, failed } = item;
  return (
    <li className={failed ? "failed" : pending ? "pending" : "message"}>
      <b>{actor.name}</b> {data.deleted ? <i>deleted</i> : data.text}{" "}
      {failed && <small>{failed.message}</small>}
    </li>
  );
}

function Composer({ room }: { room: string }) {
  const client = useClient();
  const send = useSend(room);
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    setText("");
    // A message that is refused stays in the list and says why.
    send(text).catch(() => undefined);
  };
  const write = (written: string) => {
    setText(written);
    client.typing({ room, on: written !== "" });
  };
  return (
    <form onSubmit={submit}>
      <input value={text} onChange={(event) => write(event.target.value)} placeholder="Message" />
      <button type="submit">Send</button>
    </form>
  );
}

createRoot(document.getElementById("app") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
