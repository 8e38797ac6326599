import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { JWTPayload } from "jose";
import { type Answer, api } from "../support/api.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { Driver, type Shown, type ShownFile } from "./driver.ts";
import { type Gateway, startGateway } from "./gateway.ts";

/** What all behaviours share: two servers with a database each, and an identity provider that both accept. */
export interface House {
  /** A server without limits. */
  readonly server: TestServer;
  /** A server that takes two messages at once, and two a second. */
  readonly strict: TestServer;
  readonly provider: Provider;
  stop(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const provider = await startProvider();
  const settings = { ...provider.settings, BUDGETS: "0" };
  const [server, strict] = await Promise.all([
    startTestServer({ ...settings, MESSAGE_RATE: "0" }),
    startTestServer({ ...settings, MESSAGE_RATE: "2", MESSAGE_BURST: "2" }),
  ]);
  return {
    server,
    strict,
    provider,
    async stop() {
      await Promise.all([server.stop(), strict.stop()]);
      await provider.stop();
    },
  };
}

/** Where the client gets its tokens. */
export interface TokenDesk {
  readonly url: string;
  /** How often the client has asked. */
  readonly asked: number;
  /** Returns the token, or a failure. */
  next: () => Promise<string | Response> | string | Response;
  stop(): Promise<void>;
}

function openTokenDesk(next: TokenDesk["next"]): TokenDesk {
  let asked = 0;
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    async fetch() {
      asked++;
      const token = await desk.next();
      return typeof token === "string" ? new Response(token) : token;
    },
  });
  const desk: TokenDesk = {
    url: listener.url.href,
    get asked() {
      return asked;
    },
    next,
    stop: () => listener.stop(true),
  };
  return desk;
}

let scenes = 0;

/** What one behaviour has for itself. The client connects to the proxy, which leads to the gateway, which leads to the server. */
export class Scene {
  /** A room, and the person whom the client speaks for. */
  room: string;
  readonly me: string;
  /** Another person in the same rooms, who acts over HTTP. */
  readonly other: string;
  readonly tokens: TokenDesk;
  readonly gateway: Gateway;
  readonly proxy: Proxy;
  /** The server that `as` and `truth` speak to. */
  server: TestServer;
  readonly #folder = temporaryFolder();
  readonly #drivers: Driver[] = [];
  readonly #tokens: Record<string, Promise<string>> = {};
  readonly #command: readonly string[];
  readonly house: House;

  constructor(house: House, command: readonly string[], strict = false) {
    const number = ++scenes;
    this.house = house;
    this.#command = command;
    this.room = `room-${number}`;
    this.me = `ada-${number}`;
    this.other = `ben-${number}`;
    this.server = strict ? house.strict : house.server;
    mkdirSync(this.#folder.path);
    this.tokens = openTokenDesk(() => this.token());
    this.gateway = startGateway(this.server);
    this.proxy = startProxy(this.gateway.port);
  }

  /** Returns a scene like this one, with a room and a person of its own. The caller closes it. */
  another(): Scene {
    return new Scene(this.house, this.#command);
  }

  /** Returns a new token of a person; by default the client's, for an hour. */
  token(claims: JWTPayload = {}, who = this.me): Promise<string> {
    return this.house.provider.tokenOf(who, { ...claims, jti: crypto.randomUUID() });
  }

  /** Starts a process of the client. `storage`: it keeps what it needs for the next process with the same name. */
  async open(storage?: string): Promise<Driver> {
    const driver = new Driver(this.#command);
    this.#drivers.push(driver);
    await driver.call("open", {
      url: this.proxy.url,
      tokens: this.tokens.url,
      storage: storage === undefined ? undefined : join(this.#folder.path, storage),
    });
    return driver;
  }

  /** Starts a process of the client that is up to date in the room. */
  async enter(storage?: string): Promise<Driver> {
    const driver = await this.open(storage);
    await driver.call("join", { room: this.room });
    await driver.until(this.room, { room: "live" });
    return driver;
  }

  /** Calls the server as the other person: `as("POST /rooms/hall/messages/", { content })`. @throws if it refuses. */
  async as(target: string, body?: object, who = this.other): Promise<Answer> {
    const token = await (this.#tokens[who] ??= this.token({}, who));
    let answer = await api(this.server, target, { token, body });
    for (let tries = 0; answer.status === 503 && tries < 10; tries++) {
      await Bun.sleep(Number((answer.body as { retryAfterMs?: number }).retryAfterMs ?? 500));
      answer = await api(this.server, target, { token, body });
    }
    if (answer.status >= 300) throw new Error(`${target}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** Posts as the other person. Returns the message's id. */
  async post(content: string, more: object = {}): Promise<number> {
    const { body } = await this.as(`POST /rooms/${this.room}/messages/`, { content, ...more });
    return (body as { id: number }).id;
  }

  /** Posts several messages: up to 20 in order, more of them side by side. */
  async posts(count: number, text = "message"): Promise<void> {
    const width = count > 20 ? 20 : 1;
    for (let n = 1; n <= count; n += width)
      await Promise.all(
        Array.from({ length: Math.min(width, count - n + 1) }, (_, at) => this.post(`${text} ${n + at}`)),
      );
  }

  /** Makes `room` a private room of the other person, with the client's person in it. */
  async privateRoom(more: object = {}): Promise<void> {
    await this.as("GET /rooms/", undefined, this.me); // The server knows nobody who was never there.
    const { body } = await this.as("POST /rooms/", { people: [`@${this.me}`], ...more });
    this.room = (body as { room: string }).room;
  }

  /** Reads the room's messages and notices from the server, as drivers report them. */
  async truth(who = this.me): Promise<Shown[]> {
    const shown: Shown[] = [];
    for (let before: number | undefined; ;) {
      const query = `limit=1000&notices${before === undefined ? "" : `&before=${before}`}`;
      const { body, headers } = await this.as(`GET /history/${this.room}/?${query}`, undefined, who);
      const page = (body as Record<string, unknown>[]).map(shownIn);
      shown.unshift(...page);
      before = page[0]?.id;
      if (!headers.get("link")?.includes('rel="prev"')) return shown;
    }
  }

  /** The commands to which the client has not replied. */
  unanswered(): string {
    return this.#drivers.flatMap(({ unanswered }) => unanswered).join(", ") || "none";
  }

  async close(): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver.kill()));
    this.proxy.stop();
    await Promise.all([this.gateway.stop(), this.tokens.stop()]);
    this.#folder.remove();
  }
}

/** Returns a message or a notice of the history as drivers report it. */
function shownIn(entry: Record<string, unknown>): Shown {
  const { id, version, notice } = entry as unknown as Shown & { notice?: { type: string } };
  if (notice) return { id, version, notice: (notice as unknown as { type: string }).type };
  const {
    username,
    content,
    deletedAt,
    data = null,
    replyTo = null,
    reactions = {},
    files,
    thread,
    mentions,
  } = entry;
  const counts = Object.entries(reactions as Record<string, { count: number }>);
  return {
    id,
    version,
    username: username as string,
    content: content as string,
    deleted: deletedAt !== undefined,
    data: data as Shown["data"] & object,
    replyTo: replyTo as number | null,
    reactions: Object.fromEntries(counts.map(([emoji, { count }]) => [emoji, count])),
    ...(files !== undefined && {
      files: (files as ShownFile[]).map(({ name, size, alt = null }) => ({ name, size, alt })),
    }),
    ...(thread !== undefined && { thread: thread as number }),
    ...(mentions !== undefined && {
      mentions: (mentions as { username: string }[]).map(({ username: name }) => name),
    }),
  };
}
