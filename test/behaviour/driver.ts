import { until as holds } from "../support/until.ts";

/** How long a client may take for anything, its backoff included, in milliseconds. */
const PATIENCE_MS = 25_000;

/** Waits until a check holds. @throws {Error} if the client takes too long. */
export const until = (check: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS) =>
  holds(check, patienceMs);

/** A message or a notice as a driver reports it. */
export interface Shown {
  readonly id: number;
  readonly version: number;
  /** The type of a notice. Messages have the other fields. */
  readonly notice?: string;
  readonly username?: string;
  readonly content?: string;
  readonly deleted?: boolean;
  readonly data?: Record<string, unknown> | null;
  readonly replyTo?: number | null;
  readonly reactions?: Readonly<Record<string, number>>;
  /** Only if it has any. */
  readonly files?: readonly ShownFile[];
  /** Only of a reply in a thread. */
  readonly thread?: number;
  /** The usernames of those whom it mentions, only if there are any. */
  readonly mentions?: readonly string[];
}

export interface ShownFile {
  readonly name: string;
  readonly size: number;
  readonly alt: string | null;
}

/** A file to send: one whose content is this text. */
export interface GivenFile {
  readonly name: string;
  readonly text: string;
  readonly alt?: string;
}

export interface Acked {
  readonly id: number;
  readonly version: number;
  readonly duplicate: boolean;
}

export interface ClientState {
  readonly connection: "open" | "away" | "closed";
  readonly error: string | null;
}

export interface RoomClientState extends ClientState {
  readonly room: "live" | "away" | "out";
  readonly roomError: string | null;
  readonly more: boolean;
  readonly waiting: number;
  readonly lastRead: number;
  readonly unread: number;
}

/** The commands of a driver: what each takes and returns. docs/CLIENTS.md describes them. */
export interface Commands {
  open: [{ url: string; tokens: string; storage?: string | undefined }, object];
  join: [{ room: string }, object];
  send: [
    {
      room: string;
      content: string;
      clientId?: string;
      data?: object;
      replyTo?: number;
      files?: readonly GivenFile[];
      thread?: number;
      mentions?: readonly string[];
    },
    Acked,
  ];
  edit: [{ room: string; id: number; content: string }, Acked];
  delete: [{ room: string; id: number }, Acked];
  react: [{ room: string; id: number; emoji: string; on: boolean }, Acked];
  read: [{ room: string; id: number }, object];
  older: [{ room: string; limit: number }, object];
  history: [
    { room: string; before?: number; after?: number; limit?: number },
    { ids: number[]; more: boolean },
  ];
  state: [{ room?: string }, RoomClientState];
  entries: [{ room: string }, Shown[]];
  events: [{ room: string }, { seen: number[]; settled: string[] }];
  rooms: [object, { live: boolean; items: { room: string; unread: number; last: string | null }[] }];
  mentions: [object, { items: { room: string; id: number }[] }];
  pin: [{ room: string; id: number; on: boolean }, object];
  pins: [{ room: string }, { ids: number[] }];
}

/** An error that a client reported: `code` is the protocol's, or one of docs/CLIENTS.md. */
export class Failed extends Error {
  constructor(
    readonly code: string,
    doing: string,
  ) {
    super(`the client failed with ${code} (${doing})`);
  }
}

/** A client in a process of its own, which takes commands on standard input and replies on standard output. */
export class Driver {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #waiting = new Map<
    number,
    { doing: string; resolve(ok: never): void; reject(error: Error): void }
  >();
  readonly #stderr: Promise<string>;
  #last = 0;
  #ended = false;

  constructor(command: readonly string[]) {
    this.#child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#stderr = new Response(this.#child.stderr).text();
    void this.#read();
  }

  get unanswered(): string[] {
    return [...this.#waiting.values()].map(({ doing }) => doing);
  }

  /** Sends a command. Resolves with its result. @throws {Failed} with the client's error. */
  async call<K extends keyof Commands>(name: K, fields: Commands[K][0]): Promise<Commands[K][1]> {
    const call = ++this.#last;
    const line = JSON.stringify({ call, do: name, ...fields });
    const { promise, resolve, reject } = Promise.withResolvers<Commands[K][1]>();
    if (this.#ended) throw new Error("the driver has ended");
    this.#waiting.set(call, { doing: line.slice(0, 200), resolve, reject });
    this.#child.stdin.write(`${line}\n`);
    this.#child.stdin.flush();
    return promise;
  }

  /** Waits until the client's state is this. */
  async until(room: string, wanted: Partial<RoomClientState>): Promise<void> {
    let state: RoomClientState | undefined;
    try {
      await until(async () => {
        state = await this.call("state", { room });
        return Object.entries(wanted).every(
          ([name, value]) => state?.[name as keyof RoomClientState] === value,
        );
      });
    } catch {
      throw new Error(
        `expected ${JSON.stringify(wanted)}, but the client's state is ${JSON.stringify(state)}`,
      );
    }
  }

  /** Ends the process as a crash does. */
  async kill(): Promise<void> {
    this.#ended = true;
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #read() {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(JSON.parse(line));
    }
    const error = new Error(`the driver ended: ${(await this.#stderr) || "without an error"}`);
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take({ call, ok, error }: { call: number; ok?: unknown; error?: string }) {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (error === undefined) waiting?.resolve(ok as never);
    else waiting?.reject(new Failed(error, waiting.doing));
  }
}
