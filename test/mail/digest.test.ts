import { afterAll, beforeAll, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { loadConfig } from "../../src/config/config.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { writeDigests } from "../../src/mail/digest.ts";
import { createDigestStore } from "../../src/store/digests.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { createDatabase } from "../support/database.ts";
import { START_MS } from "../support/house.ts";
import { type MailServer, startMailServer, tokenIn } from "../support/mailserver.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Mails about what people have missed: one server sends them, and two nodes look for people.

const HOUR_MS = 3600_000;

needs("TEST_DATABASE_URL")("digests", () => {
  let smtp: MailServer;
  let server: TestServer;
  let ben: Person;
  let eve: Person;
  let nodes: Database[];
  let drop: () => Promise<void>;
  let people = 0;

  beforeAll(async () => {
    smtp = await startMailServer();
    const { url: DATABASE_URL, drop: remove } = await createDatabase();
    drop = remove;
    server = await startTestServer({
      ...smtp.env,
      ...{ DATABASE_URL, DIGEST_AFTER: "off", LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" },
    });
    const config = loadConfig({ DATABASE_URL, DATABASE_POOL: "2" });
    nodes = await Promise.all([openDatabase(config), openDatabase(config)]);
    [ben, eve] = [await register(server, "ben"), await register(server, "eve")];
  }, START_MS);
  afterAll(async () => {
    await server.stop();
    for (const node of nodes) await node.close();
    await drop();
    await smtp.stop();
  });

  const call = ({ token }: Person, target: string, body?: unknown) => api(server, target, { token, body });
  const run = (statement: ReturnType<typeof sql>) =>
    nodes[0]?.run(async (orm) => void (await orm.execute(statement)));

  /** Registers someone whose address is confirmed. */
  async function newcomer(): Promise<Person> {
    const person = await register(server, `reader${++people}`);
    const token = tokenIn(await smtp.next(person.email, /^Confirm/));
    expect((await api(server, "POST /account/verify/", { body: { token } })).status).toBe(200);
    return person;
  }
  const direct = async (from: Person, to: Person) =>
    ((await call(from, "PUT /direct/", { people: [`@${to.username}`] })).body as { room: string }).room;
  const post = async (from: Person, room: string, content: string, mentions?: string[]) => {
    const path = `POST /rooms/${encodeURIComponent(room)}/messages/`;
    const { status, body } = await call(from, path, { content, ...(mentions && { mentions }) });
    expect(status).toBe(201);
    return (body as { id: number }).id;
  };
  /** Lets time pass for everything that is stored. */
  async function pass(hours: number) {
    const by = sql`interval '1 hour' * ${hours}::float8`;
    await run(sql`update messages set created_at = created_at - ${by}`);
    await run(sql`update mentions set at = at - ${by}`);
    await run(sql`update rooms set posted_at = posted_at - ${by}`);
    await run(sql`update sessions set used_at = used_at - ${by}`);
    await run(
      sql`update digests set upto = upto - ${by}, sent_at = sent_at - ${by}, due_at = due_at - ${by}`,
    );
  }
  /** Both nodes look for everyone who is due. */
  const look = () =>
    Promise.all(
      nodes.map((node) =>
        writeDigests({
          store: createDigestStore(node, { membersOnly: false }),
          waiting: async () => 0,
          afterMs: 4 * HOUR_MS,
        }),
      ),
    );
  const sentTo = (person: Person) =>
    smtp.mails.filter(
      ({ recipients, subject }) => recipients.includes(person.email) && /unread/.test(subject ?? ""),
    );
  const waiting = async (condition = sql`true`) => {
    const found = await nodes[0]?.run((orm) => rows(orm, sql`select 1 from mails where ${condition}`));
    return found?.length;
  };
  const none = async (person: Person) => {
    await until(async () => (await waiting()) === 0);
    expect(sentTo(person).map(({ text }) => text)).toEqual([]);
  };

  test("one mail says what somebody has missed while they were away, by room, and two nodes send it once", async () => {
    const ada = await newcomer();
    const room = await direct(ben, ada);
    await post(ben, room, "Lunch at <noon>?");
    await post(ben, room, "Or later");
    await post(ben, "garden", "@you: the roses", [`@${ada.username}`]);
    await post(ben, "garden", "nothing for anybody");
    await look();
    await none(ada);
    await pass(5);
    await look();
    const mail = await smtp.next(ada.email, /unread/);
    expect(mail.subject).toBe("3 unread messages for you (chat.example.com)");
    expect(mail.text).toContain("ben:\n> Lunch at <noon>?");
    expect(mail.text).toContain("#garden\nhttps://chat.example.com/#/room/garden/1");
    expect(mail.text).not.toContain("nothing for anybody");
    expect(String(mail.html)).toContain("Lunch at &lt;noon&gt;?");
    expect(String(mail.html)).not.toMatch(/<img|<script|src=|url\(|<noon>/);
    await pass(48);
    await look();
    expect(sentTo(ada)).toHaveLength(1);
  });

  test("later messages are in another mail a day later, without those of the first", async () => {
    const ada = await newcomer();
    const room = await direct(ben, ada);
    await post(ben, room, "first");
    await pass(5);
    await look();
    await smtp.next(ada.email, /unread/);
    await post(ben, room, "second");
    await pass(5);
    await look();
    expect(sentTo(ada)).toHaveLength(1);
    await pass(20);
    await look();
    const { text } = await smtp.next(ada.email, /unread/);
    expect(text).toContain("second");
    expect(text).not.toContain("first");
  });

  test("nobody gets a mail who is here, has read, has blocked, has muted, or has no confirmed address", async () => {
    const here = await newcomer();
    await post(ben, await direct(ben, here), "you are here");
    const reader = await newcomer();
    const read = await direct(ben, reader);
    const id = await post(ben, read, "you have read this");
    const socket = await connect(server, { token: reader.token });
    expect(await socket.ask({ type: "join", room: read })).toMatchObject({ type: "ok" });
    expect(await socket.ask({ type: "read", room: read, id })).toMatchObject({ type: "ok" });
    await socket.close();
    const blocker = await newcomer();
    await call(blocker, "PUT /blocks/@eve/");
    await post(eve, "lobby", "you do not hear me", [`@${blocker.username}`]);
    const muter = await newcomer();
    await post(muter, "loud", "I join");
    await call(muter, "PUT /rooms/loud/members/me/", { notify: "none" });
    await post(ben, "loud", "too loud", [`@${muter.username}`]);
    const quiet = await direct(ben, muter);
    await call(muter, `PUT /rooms/${encodeURIComponent(quiet)}/members/me/`, { notify: "mentions" });
    await post(ben, quiet, "psst");
    const unconfirmed = await register(server, "unconfirmed");
    await post(ben, await direct(ben, unconfirmed), "who are you");
    await pass(5);
    await run(
      sql`update sessions set used_at = clock_timestamp() where user_id = (select id from users where email = ${here.email})`,
    );
    await look();
    for (const person of [here, reader, blocker, muter, unconfirmed]) await none(person);
  });

  test("what is deleted or read before the mail is sent is not in it", async () => {
    const ada = await newcomer();
    const room = await direct(ben, ada);
    const id = await post(ben, room, "I take this back");
    smtp.recipient = () => 451;
    await pass(5);
    await look();
    await until(
      async () => (await waiting(sql`address = ${ada.email} and attempts > 0 and lease is null`)) === 1,
    );
    expect((await call(ben, `DELETE /rooms/${encodeURIComponent(room)}/messages/${id}/`)).status).toBe(200);
    smtp.recipient = () => undefined;
    await run(sql`update mails set due_at = clock_timestamp()`);
    await none(ada);
  });

  test("a server that begins to send mails does not send what is older than a week", async () => {
    const ada = await newcomer();
    await post(ben, await direct(ben, ada), "long ago");
    await pass(24 * 30);
    await look();
    await none(ada);
  });

  test("one click ends them without a login, and opening the link does not", async () => {
    const ada = await newcomer();
    const room = await direct(ben, ada);
    await post(ben, room, "one");
    await pass(5);
    await look();
    const mail = await smtp.next(ada.email, /unread/);
    const header = /^List-Unsubscribe: <https:\/\/chat\.example\.com(\S+)>/m.exec(
      mail.raw.replace(/\r\n[ \t]/g, " "),
    )?.[1];
    expect(mail.raw).toContain("List-Unsubscribe-Post: List-Unsubscribe=One-Click");
    const digest = async () => ((await call(ada, "GET /account/mail/")).body as { digest: boolean }).digest;
    const opened = await api(server, `GET ${header}`);
    expect(opened).toMatchObject({ status: 303 });
    expect(opened.headers.get("location")).toBe(`/#/unsubscribe/${tokenIn(mail)}`);
    expect(await digest()).toBe(true);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const click = (path: string) =>
      fetch(server.url + path, { method: "POST", headers: form, body: "List-Unsubscribe=One-Click" });
    expect((await click(`${header}x`)).status).toBe(403);
    expect(await digest()).toBe(true);
    expect((await click(header ?? "")).status).toBe(204);
    expect(await digest()).toBe(false);
    await post(ben, room, "two");
    await pass(48);
    await look();
    expect(sentTo(ada)).toHaveLength(1);
    expect((await call(ada, "PATCH /account/mail/", { digest: true })).body).toMatchObject({ digest: true });
    await pass(5);
    await look();
    expect(sentTo(ada)).toHaveLength(1);
  });

  test("a mail that the server may have taken is not sent again", async () => {
    const ada = await newcomer();
    await post(ben, await direct(ben, ada), "only once");
    smtp.message = "take and hang up";
    await pass(5);
    await look();
    await smtp.next(ada.email, /unread/);
    smtp.message = "take";
    await until(async () => (await waiting()) === 0);
    expect(sentTo(ada)).toHaveLength(1);
  });
});
