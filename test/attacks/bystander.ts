import { createSeries, type Series } from "./series.ts";
import type { Person } from "./target.ts";

/**
 * Milliseconds between one bystander's actions of each kind. The full form takes more than 15 minutes, in which an account
 * may log in 100 times.
 */
const EVERY = { send: 125, read: 1_000, list: 1_500, login: 10_000 } as const;
const JOIN_MS = 30_000;

/** What a bystander felt. */
export interface Felt {
  /** Milliseconds from a message to its ack. */
  readonly acks: Series;
  /** Milliseconds for a page of history or a list of rooms over HTTP. */
  readonly reads: Series;
  readonly logins: Series;
  /** Everything that was refused or cut, by code. */
  readonly refused: Map<string, number>;
}

/** Somebody who talks, reads and logs in at an ordinary pace while others attack. */
export interface Bystander {
  /** Resolves once they are in the room. */
  readonly joined: Promise<void>;
  /** Begins a new account of what they feel. Returns the one until now. */
  turn(): Felt;
  /** How long the oldest unanswered message has waited, in milliseconds. */
  waiting(): number;
  stop(): void;
}

interface BystanderOptions {
  readonly url: string;
  readonly person: Person;
  readonly address: string;
  readonly room: string;
  /** Milliseconds until the first login. Bystanders log in one after another. */
  readonly loginAfter: number;
}

/** When each of several bystanders logs in first. */
export const loginAfter = (index: number, bystanders: number) => (EVERY.login / bystanders) * index;

const nothing = (): Felt => ({
  acks: createSeries(),
  reads: createSeries(),
  logins: createSeries(),
  refused: new Map(),
});

export function createBystander({ url, person, address, room, loginAfter }: BystanderOptions): Bystander {
  let felt = nothing();
  let lastRef = 1;
  let stopped = false;
  let socket: WebSocket | undefined;
  const sent = new Map<number, number>();
  const joined = Promise.withResolvers<void>();
  const refuse = (code: string) => felt.refused.set(code, (felt.refused.get(code) ?? 0) + 1);

  function open() {
    const opened = new WebSocket(`${url.replace("http", "ws")}/ws/`, {
      headers: { "x-forwarded-for": address },
      protocols: ["chat.v1", `bearer.${person.token}`],
    } as unknown as string[]);
    socket = opened;
    opened.onopen = () => opened.send(JSON.stringify({ type: "join", ref: 1, room }));
    opened.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; ref?: number; code?: string };
      if (frame.type === "joined") joined.resolve();
      if (frame.type === "error") refuse(String(frame.code));
      const at = frame.ref === undefined ? undefined : sent.get(frame.ref);
      if (at === undefined) return;
      sent.delete(frame.ref as number);
      felt.acks.add(performance.now() - at);
    };
    opened.onclose = ({ code }) => {
      if (stopped) return;
      refuse(`closed ${code}`);
      sent.clear();
      setTimeout(open, 200);
    };
  }

  /** The requests that have no response yet. Nobody asks for the same thing again meanwhile. */
  const pending = new Set<string>();

  /** Returns the body of the response; undefined if there was none. */
  async function request(series: () => Series, path: string, body?: object): Promise<unknown> {
    if (pending.has(path)) return;
    pending.add(path);
    const began = performance.now();
    try {
      const response = await fetch(`${url}${path}`, {
        headers: {
          "x-forwarded-for": address,
          "content-type": "application/json",
          ...(!body && { authorization: `Bearer ${person.token}` }),
        },
        ...(body && { method: "POST", body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(JOIN_MS),
      });
      const text = await response.text();
      if (response.status >= 400) refuse(`${path.split("/")[1]} ${response.status}`);
      series().add(performance.now() - began);
      return text === "" ? undefined : JSON.parse(text);
    } catch (error) {
      if (!stopped) refuse(`${path.split("/")[1]} ${(error as Error).name}`);
    } finally {
      pending.delete(path);
    }
  }

  const { email, password } = person;
  /** Logs in and out: otherwise the person would end the session of their own socket with the hundredth login. */
  const logIn = async () => {
    const session = await request(() => felt.logins, "/account/login/", { email, password });
    const { refresh } = (session ?? {}) as { refresh?: string };
    if (refresh) await request(() => createSeries(), "/account/logout/", { refresh });
  };
  open();
  const timers = [
    setInterval(() => {
      if (socket?.readyState !== WebSocket.OPEN) return;
      const ref = ++lastRef;
      sent.set(ref, performance.now());
      socket.send(
        JSON.stringify({ type: "send", ref, room, clientId: crypto.randomUUID(), content: `message ${ref}` }),
      );
    }, EVERY.send),
    setInterval(() => void request(() => felt.reads, `/history/${room}/?limit=50`), EVERY.read),
    setInterval(() => void request(() => felt.reads, "/rooms/"), EVERY.list),
    setTimeout(() => timers.push((void logIn(), setInterval(() => void logIn(), EVERY.login))), loginAfter),
  ];
  return {
    joined: joined.promise,
    turn() {
      const before = felt;
      felt = nothing();
      return before;
    },
    waiting: () => performance.now() - Math.min(performance.now(), ...sent.values()),
    stop() {
      stopped = true;
      timers.forEach(clearInterval);
      socket?.close();
    },
  };
}
