import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { enqueueMail } from "../../src/db/mails.ts";
import { createLog } from "../../src/log.ts";
import { htmlText, plainText } from "../../src/mail/html.ts";
import { createOutbox, type Leased } from "../../src/mail/outbox.ts";
import { sendRegularly, type Sending } from "../../src/mail/sender.ts";
import { createSmtp, type Letter } from "../../src/mail/transport.ts";
import { createMetrics } from "../../src/metrics.ts";
import { freshDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { type MailServer, startMailServer } from "../support/mailserver.ts";
import { needs } from "../support/needs.ts";
import { freePort } from "../support/port.ts";
import { until } from "../support/until.ts";

// Mails that wait in the database, and a real mail server that takes them, or does not.

const letter = (mail: Leased): Letter => ({
  id: mail.id,
  at: new Date(mail.createdAt),
  to: mail.address,
  subject: "A subject\r\nBcc: eve@example.com",
  text: "Hello\n",
  html: "<p>Hello</p>",
});

describe("on the embedded database", () => suite(freshDatabase));
needs("TEST_DATABASE_URL")("on Postgres", () => suite(postgresDatabase));

function suite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let smtp: MailServer;
  let lines: Record<string, unknown>[];
  let running: Sending[];
  let people = 0;

  beforeAll(async () => {
    database = await open();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    smtp = await startMailServer();
    lines = [];
    running = [];
  });
  afterEach(async () => {
    for (const one of running) await one.stop();
    await smtp.stop();
    await database.run((orm) => orm.execute(sql`delete from mails`));
  });

  /** Starts a node that sends to the server at a URL. */
  function start(url = smtp.env.SMTP_URL ?? "", on: Database = database) {
    const { SMTP_URL, MAIL_FROM } = loadConfig({ ...smtp.env, SMTP_URL: url });
    if (!SMTP_URL || !MAIL_FROM) throw new Error("the settings name no mail server");
    const sending = sendRegularly({
      outbox: createOutbox(on),
      transport: createSmtp(SMTP_URL, MAIL_FROM),
      write: async (mail) => letter(mail),
      clock: systemClock,
      log: createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) }),
      metrics: createMetrics(),
    });
    running.push(sending);
    return sending;
  }
  const enqueue = async (kind: "verify" | "moved" = "verify") => {
    const address = `someone${++people}@example.com`;
    expect(await database.run((orm) => enqueueMail(orm, { kind, address, userId: people }))).toBe(true);
    return address;
  };
  const waiting = () =>
    database.run((orm) =>
      rows<{ address: string; attempts: number; leased: boolean }>(
        orm,
        sql`select address, attempts, lease is not null as leased from mails order by id`,
      ),
    );
  const isEmpty = async () => (await waiting()).length === 0;
  const hasFailed = async () => (await waiting()).every(({ attempts, leased }) => attempts > 0 && !leased);
  const againNow = () => database.run((orm) => orm.execute(sql`update mails set due_at = clock_timestamp()`));

  test("a mail waits while the server is away, and is sent once it is there, with the same id", async () => {
    const port = await freePort();
    start(`smtp://127.0.0.1:${port}?tls=off`);
    const address = await enqueue();
    await until(hasFailed);
    expect(lines).toMatchObject([{ event: "mail_failed", code: "ESOCKET" }]);
    expect(JSON.stringify(lines)).not.toContain(address);
    await running[0]?.stop();
    const [{ id = "" } = {}] = await database.run((orm) =>
      rows<{ id: string }>(orm, sql`select id::text as id from mails`),
    );
    start();
    await againNow();
    expect((await smtp.next(address)).messageId).toBe(`<${id}@example.com>`);
    await until(isEmpty);
  });

  test("a recipient whom the server refuses holds up nobody, and is given up", async () => {
    const [bad, good] = [await enqueue(), await enqueue()];
    smtp.recipient = (address) => (address === bad ? 550 : undefined);
    start();
    await smtp.next(good);
    await until(isEmpty);
    expect(smtp.mails).toHaveLength(1);
    expect(lines).toMatchObject([{ event: "mail_refused", status: 550 }]);
    expect(JSON.stringify(lines)).not.toContain(bad);
  });

  test("what the server may take later is tried again", async () => {
    const address = await enqueue();
    smtp.recipient = () => 451;
    start();
    await until(hasFailed);
    smtp.recipient = () => undefined;
    await againNow();
    await smtp.next(address);
  });

  test("a mail is given up once nobody waits for it any longer", async () => {
    await enqueue();
    await database.run((orm) =>
      orm.execute(sql`update mails set created_at = created_at - interval '3 days'`),
    );
    start();
    await until(isEmpty);
    expect(smtp.mails).toEqual([]);
    expect(lines).toMatchObject([{ event: "mail_expired" }]);
  });

  test("after a connection that broke at the end, a mail is sent again with the same id", async () => {
    const address = await enqueue();
    smtp.message = "take and hang up";
    start();
    const first = await smtp.next(address);
    await until(hasFailed);
    smtp.message = "take";
    await againNow();
    const second = await smtp.next(address);
    expect(second.messageId).toBe(first.messageId);
    expect(second.date).toEqual(first.date);
  });

  test("two nodes send each of many mails once", async () => {
    const addresses: string[] = [];
    for (let mail = 0; mail < 30; mail++) addresses.push(await enqueue());
    start();
    start();
    for (const address of addresses) await smtp.next(address);
    await until(isEmpty);
    expect(smtp.mails).toHaveLength(30);
  });

  test("the same mail to the same address waits once, and not more than ten thousand wait", async () => {
    const address = await enqueue();
    const same = { kind: "verify", address, userId: people } as const;
    expect(await database.run((orm) => enqueueMail(orm, same))).toBe(true);
    expect(await waiting()).toHaveLength(1);
    await database.run((orm) =>
      orm.execute(sql`insert into mails (id, kind, address, user_id, due_at)
        select gen_random_uuid(), 'verify', n || '@example.com', n, clock_timestamp() + interval '1 day' from generate_series(1, 10000) n`),
    );
    const more = { address: "more@example.com", userId: 1 } as const;
    expect(await database.run((orm) => enqueueMail(orm, { kind: "verify", ...more }))).toBe(false);
    expect(await database.run((orm) => enqueueMail(orm, { kind: "moved", ...more }))).toBe(true);
  });

  test("a name or a subject cannot add a header", async () => {
    const address = await enqueue();
    start();
    const mail = await smtp.next(address);
    expect(mail.headers.has("bcc")).toBe(false);
    expect(mail.recipients).toEqual([address]);
  });
}

test("mails go out only encrypted, unless the operator allows otherwise, and only to a certificate that is valid", async () => {
  const plain = await startMailServer();
  const selfSigned = await startMailServer({ disabledCommands: [] });
  const check = (port: number, end = "") => {
    const { SMTP_URL, MAIL_FROM } = loadConfig({ ...plain.env, SMTP_URL: `smtp://127.0.0.1:${port}${end}` });
    if (!SMTP_URL || !MAIL_FROM) throw new Error("the settings name no mail server");
    return createSmtp(SMTP_URL, MAIL_FROM)
      .check()
      .then(
        () => "works",
        (error: { code?: string }) => error.code,
      );
  };
  expect(await check(plain.port, "?tls=off")).toBe("works");
  expect(await check(plain.port)).toBe("ETLS");
  expect(await check(selfSigned.port)).toMatch(/ETLS|ESOCKET/);
  await Promise.all([plain.stop(), selfSigned.stop()]);
});

test("the form of a mail escapes what people wrote", () => {
  const blocks = [
    { kind: "heading", text: "a\r\nb <i>", href: "https://chat.example.com/?a&b" },
    { kind: "quote", who: "Eve\u202e\n", text: `<script>alert("1")</script>\n> line & 'more'\u0000` },
  ] as const;
  const html = htmlText("<title>", blocks);
  expect(html).toContain("<title>&lt;title&gt;</title>");
  expect(html).toContain('<a href="https://chat.example.com/?a&amp;b"><bdi>a b &lt;i&gt;</bdi></a>');
  expect(html).toContain(
    "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;<br>&gt; line &amp; &#39;more&#39;",
  );
  expect(plainText(blocks)).toBe(
    `a b <i>\nhttps://chat.example.com/?a&b\n\nEve:\n> <script>alert("1")</script>\n> > line & 'more'\n`,
  );
});
