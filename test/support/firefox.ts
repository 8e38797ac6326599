import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { until } from "./until.ts";

/** The path of Firefox, if it is installed. */
export const firefoxPath = (): string | undefined =>
  Bun.which("firefox-esr") ?? Bun.which("firefox") ?? undefined;

/** A tab of Firefox, through WebDriver BiDi. Playwright needs a Firefox of its own. */
export interface Firefox {
  open(url: string): Promise<void>;
  /** Returns the value of an expression in the page: text, a number or a flag. */
  value(expression: string): Promise<unknown>;
  /** Waits until an expression in the page is true. */
  holds(expression: string): Promise<void>;
  /** Presses keys, one after the other. Enter is `\uE007`. */
  type(keys: string): Promise<void>;
  /** Errors of scripts, and what the policy refused. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly level?: string; readonly text?: string };
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly contexts?: readonly { readonly context: string }[];
  };
}

export async function startFirefox(path: string): Promise<Firefox> {
  const folder = await mkdtemp(join(tmpdir(), "firefox-"));
  const port = await freePort();
  const args = ["--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", String(port)];
  const child = Bun.spawn([path, ...args], {
    stdout: "ignore",
    stderr: "ignore",
    env: { ...process.env, HOME: folder },
  });
  let socket: WebSocket | undefined;
  await until(async () => {
    socket = await new Promise<WebSocket | undefined>((resolve) => {
      const one = new WebSocket(`ws://127.0.0.1:${port}/session`);
      one.onopen = () => resolve(one);
      one.onerror = () => resolve(undefined);
    });
    return socket !== undefined;
  }, 60_000);

  const errors: string[] = [];
  const waiting = new Map<number, (reply: Reply) => void>();
  let last = 0;
  if (socket)
    socket.onmessage = ({ data }) => {
      const reply = JSON.parse(String(data)) as Reply;
      if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
      else if (reply.params?.level === "error") errors.push(reply.params.text ?? "");
    };
  const ask = (method: string, params: object = {}) =>
    new Promise<Reply>((resolve) => {
      waiting.set(++last, resolve);
      socket?.send(JSON.stringify({ id: last, method, params }));
    });
  await ask("session.new", { capabilities: {} });
  await ask("session.subscribe", { events: ["log.entryAdded"] });
  const context = (await ask("browsingContext.getTree")).result?.contexts?.[0]?.context;
  const value = async (expression: string) => {
    const { result } = await ask("script.evaluate", { expression, target: { context }, awaitPromise: true });
    return result?.result?.value;
  };

  return {
    errors,
    value,
    open: async (url) => void (await ask("browsingContext.navigate", { context, url, wait: "complete" })),
    holds: (expression) => until(async () => (await value(expression)) === true),
    async type(keys) {
      const actions = [...keys].flatMap((value) => [
        { type: "keyDown", value },
        { type: "keyUp", value },
      ]);
      await ask("input.performActions", { context, actions: [{ type: "key", id: "keys", actions }] });
    },
    async close() {
      socket?.close();
      child.kill();
      await child.exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
