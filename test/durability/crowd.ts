/** The people of a durability test: three who send, over both codecs, and a second device that only watches. */
import { type Burst, burst } from "../black-box/burst.ts";
import { provision, type Site } from "../black-box/provision.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { type Stay, stay } from "../black-box/stay.ts";

export interface Crowd {
  site: Site;
  /** WebSocket names of the rooms that all of them are in. */
  rooms: string[];
  clients: SocketClient[];
  stays: Stay[];
  /** One burst for each sender, over all rooms. */
  bursts(count: number, label?: string): Burst[];
  leave(): Promise<void>;
}

/** Provisions through the first URL and spreads the clients over all of them; they stay connected until `leave`. */
export async function gather(urls: readonly [string, ...string[]], rooms: number): Promise<Crowd> {
  const site = await provision(urls[0], ["ann", "ben", "cat"], rooms);
  const senders = site.people.map(
    (person, index) => new SocketClient(person.handle, person.token, index % 2 === 0 ? "json" : "msgpack"),
  );
  const watcher = new SocketClient("anns-tablet", site.people[0]?.token ?? "", "msgpack");
  const clients = [...senders, watcher];
  const stays = await Promise.all(
    clients.map((client, index) => stay(client, urls[index % urls.length] as string)),
  );
  const tokens = site.rooms.map((room) => room.token);
  return {
    site,
    rooms: tokens,
    clients,
    stays,
    bursts: (count, label) => senders.map((client) => burst(client, tokens, count, label)),
    leave: async () => {
      await Promise.all(stays.map((each) => each.leave()));
    },
  };
}
