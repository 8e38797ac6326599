import { connect, type Socket } from "node:net";
import type { Means, Person, Target } from "./target.ts";

/** Resolves after `ms`, or when the attack is over. */
export const pause = (over: AbortSignal, ms: number) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    over.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

/** Runs `work` again and again in `lanes` parallel lanes until the attack is over. Errors are counted, never thrown. */
export async function repeat(
  { over, tally }: Means,
  lanes: number,
  work: (lane: number, round: number) => Promise<unknown>,
): Promise<void> {
  const lane = async (_: unknown, index: number) => {
    for (let round = 0; !over.aborted; round++) {
      try {
        await work(index, round);
      } catch (error) {
        if (over.aborted) return;
        tally.count(`failed: ${(error as { code?: string }).code ?? (error as Error).name}`);
        await pause(over, 20);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

interface Ask {
  readonly method?: string;
  readonly person?: Person | undefined;
  readonly token?: string;
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit | object;
}

/** Sends a request and counts the status of its response. */
export async function ask(means: Means, path: string, options: Ask = {}): Promise<Response> {
  const { target, tally, over } = means;
  const { method, person, token = person?.token, address = target.address, headers, body } = options;
  const json = body !== undefined && Object.getPrototypeOf(body) === Object.prototype;
  tally.count("requests");
  const response = await fetch(`http://127.0.0.1:${target.port}${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    signal: over,
    redirect: "manual",
    headers: {
      "x-forwarded-for": address,
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: json ? JSON.stringify(body) : (body as BodyInit) }),
  });
  tally.count(`${response.status}`);
  return response;
}

interface Open {
  readonly person?: Person;
  readonly token?: string;
  readonly path?: string;
  readonly plain?: boolean;
  readonly address?: string;
}

/** Opens a socket. Resolves once it is open, or with undefined if the server refuses it. Counts replies and closes. */
export function socket(means: Means, options: Open = {}): Promise<WebSocket | undefined> {
  const { target, tally, over } = means;
  const { person = target.people[0], path = "/ws/", plain = false, address = target.address } = options;
  const token = options.token ?? person.token;
  const url = `ws://127.0.0.1:${target.port}${path}${plain ? `?token=${token}` : ""}`;
  tally.count("sockets");
  const opened = new WebSocket(url, {
    headers: { "x-forwarded-for": address },
    ...(!plain && { protocols: ["chat.v1", `bearer.${token}`] }),
  } as unknown as string[]);
  over.addEventListener("abort", () => opened.close(), { once: true });
  return new Promise((resolve) => {
    opened.onopen = () => resolve(opened);
    opened.onmessage = ({ data }) => {
      const code = /^\{"type":"(?:error|closing)".{0,80}?"code":"(\w+)"/.exec(String(data))?.[1];
      if (code) tally.count(code);
    };
    opened.onclose = ({ code }) => {
      if (!over.aborted) tally.count(`closed ${code}`);
      resolve(undefined);
    };
  });
}

/** Sends frames on a socket as fast as it takes them, and opens another if it is closed. */
export async function flood(
  means: Means,
  sockets: number,
  frame: (index: number) => string | Uint8Array,
  options: Open = {},
): Promise<void> {
  let index = 0;
  await repeat(means, sockets, async () => {
    const line = await socket(means, options);
    if (!line) return pause(means.over, 50);
    while (!means.over.aborted && line.readyState === WebSocket.OPEN) {
      for (let burst = 0; burst < 200 && line.bufferedAmount < 1 << 20; burst++) {
        line.send(frame(index++) as string);
        means.tally.count("frames");
      }
      await pause(means.over, 1);
    }
  });
}

/** Opens a bare TCP connection. Errors and ends are counted. */
export function tcp({ target, tally, over }: Means): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const line = connect(target.port, "127.0.0.1", () => resolve(line));
    line.on("error", (error) => (tally.count("cut"), reject(error)));
    line.on("end", () => tally.count("ended"));
    line.on("data", () => {});
    over.addEventListener("abort", () => line.destroy(), { once: true });
  });
}

export const head = ({ port }: Target, first: string, headers: Readonly<Record<string, string>> = {}) =>
  [
    first,
    `Host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "",
    "",
  ].join("\r\n");

/** Reports that the server let an attacker do what nobody may: the attack fails, whatever it cost the bystanders. */
export const breach = ({ tally }: Pick<Means, "tally">, what: string) => tally.count(`${BREACH}${what}`);
export const BREACH = "breach: ";

export const uuid = () => crypto.randomUUID();
/** An address of a /64 that belongs to one party. */
export const neighbour = () =>
  `2001:db8:bad:1:${[1, 2, 3, 4].map(() => Math.floor(Math.random() * 65_535).toString(16)).join(":")}`;
/** An address of any /64 of a /48 that belongs to one party. */
export const relative = () => `2001:db8:bad:${Math.floor(Math.random() * 65_535).toString(16)}::1`;
