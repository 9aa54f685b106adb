/** A real identity provider on a loopback port. Whoever comes is signed in at once as `person`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import Provider, { type ClientMetadata, type Configuration, type JWK } from "oidc-provider";

export const CLIENT = { id: "causeway", secret: "a secret of the client" };

type Key = Awaited<ReturnType<typeof makeKey>>;

export interface IdentityProvider {
  issuer: string;
  /** Claims by subject. */
  people: Map<string, Record<string, unknown>>;
  /** Who is signed in next. Null: they press Cancel. */
  person: string | null;
  /** Changes the ID tokens that it gives; they are signed again. Null takes the token away. */
  tamper: ((claims: JWTPayload) => JWTPayload | null) | null;
  /** The requests that it got, as `POST /token`. */
  requests: string[];
  /** Starts answering; before, it hangs up. */
  open(client: Pick<ClientMetadata, "redirect_uris"> & Partial<ClientMetadata>): void;
  /** Hangs up from now on, until `open`. */
  away(): void;
  /** Has another key from now on. */
  rotate(): Promise<void>;
  /** Signs anything with its key. */
  sign(claims: JWTPayload, header?: { alg?: string; typ?: string; kid?: string }): Promise<string>;
  close(): void;
}

export async function startIdentityProvider(): Promise<IdentityProvider> {
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  let key = await makeKey();
  let client: ClientMetadata | null = null;
  const server = await listening((request, response) => {
    provider.requests.push(`${request.method} ${request.url?.split("?")[0]}`);
    if (!handler) return void request.socket.destroy();
    if (request.url === "/token") tampered(response, (claims) => signed(claims));
    handler(request, response);
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function signed(claims: JWTPayload): Promise<string | null> {
    const changed = provider.tamper ? provider.tamper(claims) : claims;
    return changed && (await provider.sign(changed));
  }

  const provider: IdentityProvider = {
    ...{ issuer, people: new Map(), person: null, tamper: null, requests: [] },
    open(given) {
      client = { client_id: CLIENT.id, client_secret: CLIENT.secret, ...given };
      handler = answering(provider, client, key);
    },
    away() {
      handler = null;
    },
    async rotate() {
      key = await makeKey();
      if (client) handler = answering(provider, client, key);
    },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: "RS256", kid: key.jwk.kid as string, ...header })
        .sign(key.privateKey),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

function listening(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

let keys = 0;

async function makeKey() {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: `key-${++keys}`, use: "sig", alg: "RS256" } as JWK;
  return { privateKey, jwk };
}

/** Replaces the ID token in the answer of the token endpoint. */
function tampered(response: ServerResponse, sign: (claims: JWTPayload) => Promise<string | null>): void {
  const end = response.end.bind(response);
  response.end = ((body: Buffer | string) => {
    const answer = JSON.parse(String(body)) as { id_token?: string };
    if (answer.id_token === undefined) return end(body);
    void sign(decodeJwt(answer.id_token)).then((token) => {
      const { id_token: _, ...rest } = answer;
      const text = JSON.stringify(token === null ? rest : { ...rest, id_token: token });
      response.setHeader("content-length", Buffer.byteLength(text));
      end(text);
    });
    return response;
  }) as typeof response.end;
}

function answering(idp: IdentityProvider, client: ClientMetadata, { jwk }: Key) {
  const provider = new Provider(idp.issuer, {
    clients: [client],
    jwks: { keys: [jwk] },
    cookies: { keys: ["a key of the cookies"] },
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username", "picture"],
      email: ["email", "email_verified"],
      groups: ["groups", "roles"],
    },
    // Its own guard against requests to loopback addresses is left out: the server under test is there.
    fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
    scopes: ["openid", "profile", "email", "groups"],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = `<html>${form}</html>`;
        },
      },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, ...idp.people.get(sub) }),
    }),
    async loadExistingGrant(ctx) {
      const { session, provider: own, client: asking } = ctx.oidc;
      const grant = new own.Grant({ clientId: asking?.clientId, accountId: session?.accountId });
      grant.addOIDCScope("openid profile email groups");
      await grant.save();
      return grant;
    },
  } as Configuration);
  const callback = provider.callback();
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith("/interaction/")) return void callback(request, response);
    const { person } = idp;
    const result =
      person === null
        ? { error: "access_denied", error_description: "<script>alert(1)</script>" }
        : { login: { accountId: person } };
    void provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
}
