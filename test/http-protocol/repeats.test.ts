/** POSTs that are sent again under their Idempotency-Key. */
import { beforeAll, expect, test } from "vitest";
import { describeProtocol, idsOf, refusal, type Someone } from "./api.ts";

describeProtocol("a POST with an Idempotency-Key", (place) => {
  let kate: Someone;
  let hank: Someone;
  /** Two groups of both. */
  let rooms: string[];

  beforeAll(async () => {
    [kate, hank] = await Promise.all([place.person(), place.person()]);
    const group = async (name: string) =>
      (await kate.post("/groups", { name, contacts: [hank.publicId] })).json.id as string;
    rooms = [await group("One"), await group("Two")];
  });

  const post = (who: Someone, path: string, key: string, json: object) =>
    place.client("POST", `/v1${path}`, { headers: { ...who.bearer, "Idempotency-Key": key }, json });
  const say = (who: Someone, key: string, message: string, room = rooms[0]) =>
    post(who, "/messages", key, { conversation_id: room, message });
  const listed = async (room: string | undefined) =>
    (await kate.get(`/messages?conversation_id=${room}`)).json.data.map(
      ({ message }: { message: string }) => message,
    );

  test("sends a message once, also when it is sent twice at the same time, and shows it as it is", async () => {
    const [first, second] = await Promise.all([say(kate, "k-1", "once"), say(kate, '"k-1"', "once")]);
    expect([first.status, second.status]).toEqual([201, 201]);
    await kate.put(`/messages/${first.json.id}`, { message: "edited" });
    const third = await say(kate, "k-1", "once");
    expect(third).toMatchObject({ status: 201, json: { id: first.json.id, message: "edited" } });
    expect(await listed(rooms[0])).toEqual(["edited"]);
    await kate.delete(`/messages/${first.json.id}`);
    expect(await say(kate, "k-1", "once")).toMatchObject(refusal(404));
    expect(await listed(rooms[0])).toEqual([]);
  });

  test("is 422 with another body; other callers and other rooms have keys of their own", async () => {
    const { json } = await say(kate, "k-2", "mine");
    expect(await say(kate, "k-2", "other")).toMatchObject(refusal(422));
    for (const answer of [await say(hank, "k-2", "his"), await say(kate, "k-2", "there", rooms[1])]) {
      expect(answer.status).toBe(201);
      expect(answer.json.id).not.toBe(json.id);
    }
  });

  test("gives the key back when it is refused", async () => {
    expect(await say(kate, "k-3", "x".repeat(16_001))).toMatchObject(refusal(400));
    expect((await say(kate, "k-3", "shorter")).status).toBe(201);
    expect(await say(kate, "k-3", "x".repeat(16_001))).toMatchObject(refusal(422));
    expect((await say(kate, "k-3", "shorter")).status).toBe(201);
  });

  test.each(["", "x".repeat(256), "with space", '""'])("is 400 with the key %j", async (key) => {
    expect(await say(kate, key, "x")).toMatchObject(
      refusal(400, "Idempotency-Key must be 1 to 255 visible ASCII characters"),
    );
  });

  test("makes a group once, also when it is sent twice at the same time", async () => {
    const make = (name = "New group") => post(kate, "/groups", "k-4", { name, contacts: [hank.publicId] });
    const before = idsOf(await kate.get("/groups?limit=100")).length;
    const answers = [...(await Promise.all([make(), make(), make()])), await make()];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect(idsOf(await kate.get("/groups?limit=100"))).toHaveLength(before + 1);
    expect(await make("Another")).toMatchObject(refusal(422));
    await kate.delete(`/groups/${answers[0]?.json.id}`);
    expect(await make()).toMatchObject(refusal(404));
  });

  test("keeps an upload once, also when it is sent thrice at the same time", async () => {
    const upload = async (key: string, content = "hello") => {
      const form = new FormData();
      form.set("file", new File([content], "a.txt"));
      const { headers, body } = new Request("http://localhost", { method: "POST", body: form });
      const type = headers.get("content-type") as string;
      return await place.client("POST", "/v1/attachments", {
        headers: { ...kate.bearer, "content-type": type, "Idempotency-Key": key },
        body: new Uint8Array(await new Response(body).arrayBuffer()),
      });
    };
    const first = await upload("k-5");
    const again = await upload("k-5");
    expect(again).toMatchObject({ status: 201, json: { id: first.json.id, filename: "a.txt" } });
    expect((await upload("k-6")).json.id).not.toBe(first.json.id);
    expect(await upload("k-6", "another")).toMatchObject(refusal(422));
    for (let round = 0; round < 5; round++) {
      const key = `k-7-${round}`;
      const answers = await Promise.all([upload(key), upload(key), upload(key)]);
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
      expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
      const file = await place.client("GET", `/v1/attachments/${answers[0]?.json.id}/file`, {
        headers: kate.bearer,
      });
      expect(file.text).toBe("hello");
    }
  });
});
