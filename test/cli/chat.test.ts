import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chat } from "../../src/cli/chat.ts";
import type { Context } from "../../src/cli/command.ts";
import { runParley } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { api } from "../support/api.ts";

setDefaultTimeout(30_000);

let server: TestServer;
let ada: Person;
beforeAll(async () => {
  server = await startTestServer({ LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" });
  ada = await register(server, "ada");
});
afterAll(() => server.stop());

const asAda = { PARLEY_EMAIL: "ada@example.com", PARLEY_PASSWORD: PASSWORD };
const lines = (text: string) => text.split("\n").filter(Boolean);

describe("parley chat, with pipes", () => {
  test("sends each line, shows messages, and ends once all sends have settled", async () => {
    await api(server, "POST /rooms/pipes/messages/", { token: ada.token, body: { content: "before" } });
    const { code, stdout, stderr } = await runParley(
      ["chat", server.url, "pipes"],
      asAda,
      "one\n\ntwo\nthree",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "(connected as ada)\n" });
    expect(lines(stdout).slice(0, 1)).toEqual(["ada: before"]);
    const { body } = await api(server, "GET /history/pipes/", { token: ada.token });
    expect((body as { content: string }[]).map(({ content }) => content)).toEqual([
      "before",
      "one",
      "two",
      "three",
    ]);
  });

  test("registers an account with --register, and accepts a token instead of a login", async () => {
    const settings = { PARLEY_EMAIL: "ben@example.com", PARLEY_PASSWORD: PASSWORD };
    expect(await runParley(["chat", "--register", server.url, "new"], settings, "hello")).toMatchObject({
      code: 0,
      stderr: "(connected as ben)\n",
    });
    const { code, stdout } = await runParley(["chat", server.url, "new"], { PARLEY_TOKEN: ada.token }, "hi");
    expect(code).toBe(0);
    expect(lines(stdout)[0]).toBe("ben: hello");
  });

  test("reconnects after broken connections and reports it", async () => {
    const proxy = startProxy(server.port);
    let cuts = 0;
    proxy.down = (text) => (text.includes('"timestamp"') && ++cuts === 1 ? "cut" : "pass");
    const { code, stderr } = await runParley(["chat", proxy.url, "broken"], asAda, "one\ntwo");
    proxy.stop();
    expect(code).toBe(0);
    expect(lines(stderr)[0]).toBe("(connected as ada)");
    expect(lines(stderr)[1]).toMatch(/^\(The connection was closed \(1006\)\. Retrying in 0\.\d s\)$/);
    expect(lines(stderr)[2]).toBe("(connected as ada)");
    const { body } = await api(server, "GET /history/broken/", { token: ada.token });
    expect((body as { content: string }[]).map(({ content }) => content)).toEqual(["one", "two"]);
  });

  test("talks with a person, and prints notices apart from what is said", async () => {
    await register(server, "dora");
    const printed: string[] = [];
    const context = (name: string, text: string): Context =>
      ({
        args: [server.url, name],
        env: { PARLEY_TOKEN: ada.token },
        async *lines() {
          yield text;
        },
        out: (line: string) => void printed.push(line),
        err: (line: string) => void printed.push(line),
        untilSignal: () => Promise.withResolvers<void>().promise,
      }) as Partial<Context> as Context;
    expect(await chat.run(context("@dora", "Hello"))).toBe(0);
    printed.length = 0;
    expect(await chat.run(context("@dora", "Again"))).toBe(0);
    expect(printed.slice(0, 3)).toEqual(["(connected as ada)", "(ada created the room)", "ada: Hello"]);
    expect(await chat.run(context("@nobody", "Hello"))).toBe(1);
    expect(printed.at(-1)).toBe("@nobody is not known here.");
  });

  test("mentions a room that looks like the one it is about to create", async () => {
    await api(server, "POST /rooms/Lobby/messages/", { token: ada.token, body: { content: "here" } });
    const first = await runParley(["chat", server.url, "l0bby"], asAda, "hello");
    expect(first.code).toBe(0);
    expect(lines(first.stderr)).toContain("(There is also a room Lobby, which looks like l0bby.)");
    const again = await runParley(["chat", server.url, "Lobby"], asAda, "hello");
    expect(again.stderr).toBe("(connected as ada)\n");
  });

  test.each([
    ["", "Parlour"],
    ["n", "par1our"],
  ])("at a terminal, asks which of the two is meant: %j enters %s", async (answer, entered) => {
    const content = crypto.randomUUID();
    await api(server, "POST /rooms/Parlour/messages/", { token: ada.token, body: { content: "here" } });
    const questions: string[] = [];
    const context: Partial<Context> = {
      args: [server.url, "par1our"],
      env: { PARLEY_TOKEN: ada.token },
      ask(question) {
        questions.push(question);
        return answer;
      },
      async *lines() {
        yield content;
      },
      out() {},
      err() {},
      untilSignal: () => Promise.withResolvers<void>().promise,
    };
    expect(await chat.run(context as Context)).toBe(0);
    expect(questions).toEqual(["There is a room Parlour. Enter it instead of creating par1our? [Y/n]"]);
    const { body } = await api(server, `GET /history/${entered}/`, { token: ada.token });
    expect((body as { content: string }[]).map((message) => message.content)).toContain(content);
  });

  test("prints no control characters of a message", async () => {
    const content = "\u001b[2J\u0007evil\ntwo lines";
    await api(server, "POST /rooms/evil/messages/", { token: ada.token, body: { content } });
    const { stdout } = await runParley(["chat", server.url, "evil"], asAda, "x");
    expect(stdout.startsWith("ada: [2Jevil\n  two lines\n")).toBe(true);
  });

  test("reports what is wrong and exits with 1", async () => {
    const run = (args: string[], settings: Record<string, string> = asAda, stdin = "") =>
      runParley(["chat", ...args], settings, stdin);
    expect(await run([server.url])).toMatchObject({
      code: 1,
      stderr: "Usage: parley chat [--register] <url> <room>|@<username>\n",
    });
    expect(await run([server.url, "hall"], {})).toMatchObject({
      code: 1,
      stderr: "Set PARLEY_EMAIL, or run this command in a terminal.\n",
    });
    expect(await run([server.url, "hall"], { ...asAda, PARLEY_PASSWORD: "wrong" })).toMatchObject({
      code: 1,
      stderr: "Invalid Credentials\n",
    });
    expect(await run(["http://127.0.0.1:1", "hall"])).toMatchObject({
      code: 1,
      stderr: "127.0.0.1:1 cannot be reached.\n",
    });
    const invalid = await run([server.url, "no spaces"], asAda, "hello");
    expect(invalid.code).toBe(1);
    expect(invalid.stderr).toContain(
      "room must be 1 to 64 letters, digits, _, - or ., not starting with a dot",
    );
  });
});
