import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../db/database.ts";
import type { Meta } from "../db/meta.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { createDigestStore } from "../store/digests.ts";
import { digestRegularly } from "./digest.ts";
import { createWriter } from "./letters.ts";
import { createOutbox } from "./outbox.ts";
import { sendRegularly } from "./sender.ts";
import { createSmtp } from "./transport.ts";

export { createSmtp };
export type { Transport } from "./transport.ts";

export type MailConfig = Pick<
  Config,
  | "ACCESS_TOKEN_TTL"
  | "DIGEST_AFTER"
  | "MAIL_CONTENT"
  | "MAIL_FROM"
  | "PUBLIC_URL"
  | "ROOM_ACCESS"
  | "SMTP_URL"
>;

interface MailParts {
  readonly config: MailConfig;
  readonly database: Database;
  readonly meta: Pick<Meta, "mailKey">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Connections for mails: they must not hold up people. */
const CONNECTIONS = 2;
const LIMIT_MS = 10_000;

/** Sends mails for as long as this node runs. Undefined if the operator has set no mail server. */
export function openMail({ config, database, meta, clock, log, metrics }: MailParts) {
  const { SMTP_URL: smtp, MAIL_FROM: from, PUBLIC_URL: url } = config;
  if (!smtp || !from || !url) return undefined;
  const pool = database.pool({ connections: CONNECTIONS, limitMs: LIMIT_MS });
  const outbox = createOutbox(pool);
  const store = createDigestStore(pool, { membersOnly: config.ROOM_ACCESS === "members" });
  const base = url.replace(/\/+$/, "");
  const write = createWriter({
    pool,
    digests: store,
    base,
    key: meta.mailKey,
    content: config.MAIL_CONTENT === "on",
  });
  const sending = sendRegularly({
    outbox,
    transport: createSmtp(smtp, from),
    write,
    clock,
    log,
    metrics,
  });
  // Tokens of our own accounts have no claim, so with `claims` their people may read nothing.
  const afterMs = config.ROOM_ACCESS === "claims" ? undefined : config.DIGEST_AFTER;
  const stopDigests =
    afterMs === undefined
      ? () => {}
      : digestRegularly({
          store,
          waiting: async () => (await outbox.waiting()).mails,
          afterMs: Math.max(afterMs, config.ACCESS_TOKEN_TTL),
          clock,
          log,
        });
  return {
    soon: sending.soon,
    async stop() {
      stopDigests();
      await sending.stop();
    },
  };
}
