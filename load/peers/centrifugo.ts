/** Centrifugo 6 with its memory engine: channels keep a short history, so that clients could recover and offsets exist. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../services/free-port.ts";
import { type Peer, startPeer } from "./peer.ts";

const HISTORY = { history_size: 1_000, history_ttl: "60s" };

/** @param binary path of the centrifugo program */
export function centrifugo(binary: string): Peer {
  const name = "Centrifugo (memory)";
  return {
    name,
    guarantees: {
      durable: "no (memory engine)",
      ordered: "offset per channel",
      idempotent: "no, for clients' publications",
      resumable: `within ${HISTORY.history_size} messages and ${HISTORY.history_ttl}`,
    },
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), "causeway-peer-"));
      const port = await freePort();
      const config = join(folder, "config.json");
      writeFileSync(config, JSON.stringify(settings(port)));
      return startPeer(
        name,
        "centrifugo",
        {
          command: binary,
          args: ["--config", config],
          folder,
          ready: /serving websocket|running Centrifugo/,
          endWith: "SIGTERM",
        },
        () => new URL(`http://127.0.0.1:${port}`),
      );
    },
  };
}

function settings(port: number) {
  return {
    http_server: { address: "127.0.0.1", port: String(port) },
    client: {
      insecure: true,
      allowed_origins: ["*"],
      channel_limit: 1_000,
      queue_max_size: 64 * 1024 * 1024,
    },
    channel: {
      without_namespace: {
        ...HISTORY,
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        allow_publish_for_client: true,
        allow_publish_for_anonymous: true,
        force_positioning: true,
      },
    },
    log: { level: "info" },
  };
}
