/** What the store promises about people as identity providers know them. */
import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import { createPerson } from "../fixtures.ts";

const HOUR = 3_600_000;
const ISSUER = "https://id.example.org";

export function identityContract(store: () => Store): void {
  describe("identities", () => {
    const link = (userId: number, subject: string, issuer = ISSUER) =>
      store().transaction((tx) => tx.users.link({ userId, issuer, subject, name: "Ada" }));

    /** Somebody who is linked to a subject. */
    async function linked(issuer = ISSUER) {
      const user = await createPerson(store());
      const subject = randomUUID();
      const identityId = (await link(user.id, subject, issuer)) ?? 0;
      return { user, subject, identityId };
    }
    type Linked = Awaited<ReturnType<typeof linked>>;

    const login = (
      { user, identityId }: Pick<Linked, "user" | "identityId">,
      providerSession: string | null,
    ) =>
      store().logins.create({
        ...{ userId: user.id, hash: randomBytes(32), passwordHash: "of nobody", persistent: false },
        ...{ startedAt: store().clock.now(), expiresAt: store().clock.now() + HOUR, refreshFamily: null },
        origin: { identityId, providerSession },
      });
    const code = async (
      { identityId }: Linked,
      more: { expiresAt?: number; providerSession?: string } = {},
    ) => {
      const hash = randomBytes(32);
      const rest = { providerSession: null, challenge: "c", persistent: false };
      await store().identities.putCode({
        identityId,
        hash,
        expiresAt: store().clock.now() + HOUR,
        ...rest,
        ...more,
      });
      return hash;
    };

    test("a subject is one user's, and a user one subject of an issuer", async () => {
      const { user, subject, identityId } = await linked();
      const found = await store().identities.find(ISSUER, subject);
      expect(found).toMatchObject({ id: identityId, name: "Ada", picture: null, user: { id: user.id } });
      const other = await createPerson(store());
      expect(await link(other.id, subject)).toBeNull();
      expect(await link(user.id, randomUUID())).toBeNull();
      expect(await link(user.id, subject, "https://other.example.org")).not.toBeNull();
      expect(await store().identities.find(ISSUER, subject.toUpperCase())).toBeNull();
      await store().identities.noteName(identityId, "Countess");
      await store().identities.notePicture(identityId, "https://id.example.org/a.png");
      const noted = await store().identities.find(ISSUER, subject);
      expect(noted).toMatchObject({ name: "Countess", picture: "https://id.example.org/a.png" });
    });

    test("a deleted user is linked to nothing, so that the subject can be somebody new", async () => {
      const { user, subject } = await linked();
      await store().transaction((tx) => tx.users.delete(user.id));
      expect(await store().identities.find(ISSUER, subject)).toBeNull();
      expect(await link((await createPerson(store())).id, subject)).not.toBeNull();
    });

    test("a login needs the identity to be its user's, and no password", async () => {
      const [ada, eve] = [await linked(), await linked()];
      expect(await login(ada, null)).toMatchObject({ userId: ada.user.id });
      expect(await login({ user: ada.user, identityId: eve.identityId }, null)).toBeNull();
    });

    test("a code is given to one caller, and to none when it is over or all logins were ended since", async () => {
      const ada = await linked();
      const hash = await code(ada, { providerSession: "s" });
      const taken = await Promise.all([store().identities.takeCode(hash), store().identities.takeCode(hash)]);
      expect(taken.filter((one) => one !== null)).toMatchObject([
        { identityId: ada.identityId, providerSession: "s", challenge: "c", user: { id: ada.user.id } },
      ]);
      const over = await code(ada, { expiresAt: store().clock.now() - HOUR });
      expect(await store().identities.takeCode(over)).toBeNull();
      const waiting = await code(ada);
      await store().transaction((tx) => tx.users.endLogins(ada.user.id));
      expect(await store().identities.takeCode(waiting)).toBeNull();
    });

    test("a code that links is one user's, as often as that one asks, and nobody's when it is over", async () => {
      const [ada, eve] = [await createPerson(store()), await createPerson(store())];
      const person = { issuer: ISSUER, subject: randomUUID(), name: "Ada", picture: null, challenge: "c" };
      const put = async (ageMs = 0) => {
        const hash = randomBytes(32);
        const expiresAt = store().clock.now() + HOUR - ageMs;
        await store().identities.putLinkCode({ ...person, hash, expiresAt });
        return hash;
      };
      const { identities } = store();
      const hash = await put();
      expect(await identities.takeLinkCode(hash, ada.id)).toEqual({ ...person, repeated: false });
      expect(await identities.takeLinkCode(hash, ada.id)).toEqual({ ...person, repeated: true });
      expect(await identities.takeLinkCode(hash, eve.id)).toBeNull();
      expect(await identities.takeLinkCode(await put(2 * HOUR), ada.id)).toBeNull();
      expect(await identities.takeLinkCode(randomBytes(32), ada.id)).toBeNull();
      const raced = await put();
      const taken = await Promise.all([ada, eve].map(({ id }) => identities.takeLinkCode(raced, id)));
      expect(taken.filter((one) => one !== null)).toHaveLength(1);
      await store().credentials.deleteExpired(store().clock.now() + 2 * HOUR);
      expect(await identities.takeLinkCode(hash, ada.id)).toBeNull();
    });

    test("a link goes with its logins but one, unless it is the last way to sign in", async () => {
      const ada = await linked();
      const [kept, other] = [await login(ada, "1"), await login(ada, "2")];
      const unlink = (userId: number, more: { kept?: number; evenLast?: boolean } = {}) =>
        store().transaction((tx) =>
          tx.users.unlink({ userId, id: ada.identityId, kept: null, evenLast: false, ...more }),
        );
      expect(await unlink(ada.user.id)).toBe("last");
      expect(await unlink((await createPerson(store())).id, { evenLast: true })).toBeNull();
      const second = await link(ada.user.id, randomUUID(), "https://other.example.org");
      expect(await store().identities.ofUser(ada.user.id)).toMatchObject([
        { id: ada.identityId, issuer: ISSUER, subject: ada.subject, name: "Ada" },
        { id: second, issuer: "https://other.example.org" },
      ]);
      expect(await unlink(ada.user.id, { kept: kept?.id ?? 0 })).toEqual([other?.id]);
      expect(await unlink(ada.user.id)).toBeNull();
      expect(await store().logins.userOf(kept?.id ?? 0)).toMatchObject({ user: { id: ada.user.id } });
      expect(await store().identities.find(ISSUER, ada.subject)).toBeNull();
    });

    test("of two links that go at once one stays, where there is no password", async () => {
      const ada = await linked();
      const second = (await link(ada.user.id, randomUUID(), "https://other.example.org")) ?? 0;
      const input = { userId: ada.user.id, kept: null, evenLast: false };
      let other: Promise<unknown> = Promise.resolve();
      const first = await store().transaction(async (tx) => {
        const done = await tx.users.unlink({ ...input, id: ada.identityId });
        other = store().transaction((also) => also.users.unlink({ ...input, id: second }));
        // Meanwhile the other one comes to wait for this one.
        for (let n = 0; n < 50; n++) await tx.users.lock([ada.user.id]);
        return done;
      });
      expect([first, await other]).toEqual([[], "last"]);
      expect(await store().identities.ofUser(ada.user.id)).toMatchObject([{ id: second }]);
    });

    test("logins and codes end by subject and session, up to a time, and raise the version of their users", async () => {
      const [ada, eve] = [await linked(), await linked()];
      const [one, two, others] = [await login(ada, "1"), await login(ada, "2"), await login(eve, "1-of-eve")];
      const waiting = await code(ada, { providerSession: "2" });
      const end = (origin: { subject?: string; session?: string }, before = store().clock.now() + HOUR) =>
        store().identities.endLogins({ issuer: ISSUER, subject: null, session: null, ...origin }, before);
      const before = await store().users.version(ada.user.id);
      expect(await end({ subject: ada.subject }, 0)).toEqual([]);
      expect(await end({ subject: ada.subject, session: "1-of-eve" })).toEqual([]);
      expect(await end({ subject: ada.subject, session: "1" })).toEqual([
        { userId: ada.user.id, loginId: one?.id },
      ]);
      expect(await store().users.version(ada.user.id)).toBeGreaterThan(before ?? 0);
      expect(await end({ subject: ada.subject })).toEqual([{ userId: ada.user.id, loginId: two?.id }]);
      expect(await store().identities.takeCode(waiting)).toBeNull();
      expect(await end({ session: "1-of-eve" })).toEqual([{ userId: eve.user.id, loginId: others?.id }]);
    });
  });
}
