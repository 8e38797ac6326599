import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { temporaryFolder } from "../support/folder.ts";
import { type MailServer, startMailServer } from "../support/mailserver.ts";
import { runParley } from "../support/process.ts";

// What an operator learns of the mail server before people need it.

let smtp: MailServer;
const folder = temporaryFolder();

beforeAll(async () => {
  smtp = await startMailServer({
    authMethods: ["PLAIN"],
    allowInsecureAuth: true,
    onAuth: ({ password }, _, done) =>
      done(password === "right" ? null : new Error("wrong"), { user: "parley" }),
  });
  mkdirSync(folder.path, { recursive: true });
});
afterAll(async () => {
  await smtp.stop();
  folder.remove();
});

const withPassword = (password: string) => ({
  ...smtp.env,
  DATA_DIR: folder.path,
  SMTP_URL: `smtp://parley:${password}@127.0.0.1:${smtp.port}?tls=off`,
});

test("doctor logs in to the mail server, and never prints its password", async () => {
  const right = await runParley(["doctor"], withPassword("right"));
  expect(right.stdout).toContain(`mail: 127.0.0.1:${smtp.port} accepts this server`);
  const wrong = await runParley(["doctor"], withPassword("guessed"));
  expect(wrong.stdout).toContain(
    "The mail server cannot be used (EAUTH). Check the user and the password in SMTP_URL.",
  );
  expect(wrong.code).toBe(1);
  const encrypted = await runParley(["doctor"], {
    ...withPassword("right"),
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
  });
  expect(encrypted.stdout).toContain("Its encryption does not work");
  expect(wrong.stdout + wrong.stderr).not.toContain("guessed");
});

test("mail-test sends a mail, or says why it cannot", async () => {
  const sent = await runParley(["mail-test", "ops@example.com"], withPassword("right"));
  expect(sent).toMatchObject({ code: 0 });
  expect((await smtp.next("ops@example.com")).subject).toBe("A test (chat.example.com)");
  smtp.recipient = () => 550;
  const refused = await runParley(["mail-test", "ops@example.com"], withPassword("right"));
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("EENVELOPE, status 550");
  smtp.recipient = () => undefined;
  expect((await runParley(["mail-test"], withPassword("right"))).stderr).toContain(
    "Usage: parley mail-test <address>",
  );
  expect((await runParley(["mail-test", "ops@example.com"], {})).stderr).toContain("Set SMTP_URL");
});
