/** An identity provider that says what a test wants, without a network. */
import type { DomainOptions } from "../../src/domain/assembly/domain.ts";
import type { OidcPerson } from "../../src/domain/ports/oidc.ts";

export const STATE = "s".repeat(43);

/** What the domain is given of it, without any rights. The browser is sent to `https://id.example.org/?redirect_uri=…`. */
export function fakeOidc(
  person: () => OidcPerson,
  fetchPicture: (url: string) => Promise<Uint8Array> = () => Promise.reject(new Error("there is none")),
): NonNullable<DomainOptions["oidc"]> {
  const nothing = { claim: null, list: [] };
  return {
    provider: {
      name: "Example",
      begin: async (redirectUri) => ({
        url: `https://id.example.org/?${new URLSearchParams({ redirect_uri: redirectUri })}`,
        checks: { state: STATE, nonce: "n", verifier: "v" },
      }),
      finish: async () => person(),
      signOutUrl: async () => null,
      logout: () => Promise.reject(new Error("nobody signs out")),
      health: () => ({ ok: true }),
    },
    settings: {
      ...{ apps: [], organizations: nothing, roles: nothing, linkEmail: false, administrators: false },
      claims: { handle: "preferred_username", name: "name", picture: "picture" },
    },
    fetchPicture,
  };
}
