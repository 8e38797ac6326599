import { type Command, createLine, type Frame, type Line } from "./line.ts";
import type { Change } from "./change.ts";
import { createCopy, type RoomCopy, type Shown } from "./copy.ts";
import type { Ledger } from "./ledger.ts";

/** How soon a lost client comes back, in milliseconds, spread out. */
const RETURN_MS = { least: 30, spread: 170 } as const;
const RETRY_LEAST_MS = 50;

export interface ClientOptions {
  /** Where to connect; asked anew each time. */
  url(): string;
  readonly token: string;
  readonly room: string;
  readonly ledger: Ledger;
  /** Joins the room by command on `/ws/`, rather than by the room's own URL. */
  readonly byCommand?: boolean;
  /** Only sends: joins nothing and keeps no copy. */
  readonly sendOnly?: boolean;
  /** Having heard nothing for so long it pings, and after as long again it gives the socket up. */
  readonly quietMs?: number;
  /** Called with each new message that comes live. */
  arrived?(message: Shown): void;
}

/** A client of chat.v1 that does what clients are to do: resume where it stood, send again what was not answered. */
export interface Client {
  readonly copy: RoomCopy;
  /** In the room, with nothing missing. */
  readonly live: boolean;
  /** Changes that are not acknowledged yet. */
  readonly unanswered: number;
  /** The highest version that a change was acknowledged with. */
  readonly acknowledged: number;
  /** Its own messages that are there, as far as it knows; the newest of them last. */
  readonly own: readonly number[];
  /** Asks for a change; again, for one that was asked for before. */
  submit(change: Change): void;
  /** Leaves its socket and comes back, to whichever server it is told then. */
  move(): void;
  /** Ends it for good. */
  stop(): void;
}

export function createClient(options: ClientOptions): Client {
  const { ledger, room, sendOnly = false, byCommand = sendOnly } = options;
  const copy = createCopy();
  const unanswered = new Map<string, Change>();
  const own = new Set<number>();
  let line: Line | undefined;
  let live = false;
  let stopped = false;
  let joining = false;
  /** Where the client stood when it asked for its present feed. */
  let askedFrom = 0;
  /** The last version of the present feed: a feed only rises. */
  let fed = 0;
  /** Messages before this id are still to be paged back. */
  let olderThan = 1;
  let paging = 0;
  let acknowledged = 0;

  const since = () => (copy.epoch === undefined ? undefined : `${copy.epoch}.${copy.version}`);
  const after = (ms: number, task: () => void) => void setTimeout(() => stopped || task(), ms);

  function connect() {
    const path = byCommand ? "/ws/" : `/ws/chat/${encodeURIComponent(room)}/`;
    const from = since();
    const query = byCommand || from === undefined ? "" : `?since=${encodeURIComponent(from)}`;
    joining = !byCommand;
    askedFrom = copy.version;
    const connected = createLine({
      url: `${options.url().replace(/^http/, "ws")}${path}${query}`,
      token: options.token,
      quietMs: options.quietMs ?? 30_000,
      ledger,
      event: (frame) => connected === line && take(frame),
      closed(code) {
        if (connected !== line) return;
        line = undefined;
        live = false;
        if (stopped) return;
        if (code >= 4500) return ledger.breach(`the server closed with ${code}, which means for good`);
        after(RETURN_MS.least + Math.random() * RETURN_MS.spread, connect);
      },
    });
    line = connected;
  }

  async function ask(command: Command): Promise<Frame | undefined> {
    return line?.ask({ room, ...command });
  }

  async function join() {
    if (joining) return;
    joining = true;
    live = false;
    askedFrom = copy.version;
    const from = since();
    const reply = await ask({ type: "join", ...(from !== undefined && { since: from }) });
    if (reply?.type !== "error") return;
    joining = false;
    refused(reply, () => void join());
  }

  async function transmit(change: Change) {
    const reply = await ask(change);
    // Nothing: the socket is gone, and the next one sends it again.
    if (!reply || !unanswered.has(change.clientId)) return;
    const tooLate = reply.code === "not_found";
    if (reply.type === "error" && !tooLate) return refused(reply, () => void transmit(change));
    unanswered.delete(change.clientId);
    if (tooLate) return ledger.tooLate(room, change);
    const { id, version, duplicate = false } = reply as { id: number; version: number; duplicate?: boolean };
    if (duplicate) ledger.count("repeats");
    acknowledged = Math.max(acknowledged, version);
    ledger.ack(change, { id, version }, duplicate);
    if (change.type === "send") own.add(id);
  }

  function refused(reply: Frame, again: () => void) {
    ledger.count(String(reply.code));
    if (!reply.retryable) return ledger.breach(`refused for good: ${JSON.stringify(reply)}`);
    const asked = line;
    after(Math.max(Number(reply.retryAfterMs ?? 0), RETRY_LEAST_MS), () => asked === line && again());
  }

  /** Reads the room's history back from where the client began anew. Cut short, the next socket goes on with it. */
  async function pageBack() {
    const run = ++paging;
    while (olderThan > 1) {
      const reply = await ask({ type: "history", before: olderThan, limit: 500 });
      if (run !== paging || !reply) return;
      if (reply.type === "error") {
        ledger.count(String(reply.code));
        await Bun.sleep(Math.max(Number(reply.retryAfterMs ?? 0), RETRY_LEAST_MS));
        continue;
      }
      const page = reply.messages as Shown[];
      for (const message of page) copy.put(message);
      olderThan = reply.more ? (page[0]?.id ?? 1) : 1;
    }
  }

  function take(frame: Frame): void {
    switch (frame.type) {
      case "welcome":
        if (!sendOnly && byCommand) void join();
        for (const change of unanswered.values()) {
          ledger.count("resent");
          void transmit(change);
        }
        return;
      case "joined":
        return joined(frame);
      case "message":
        return message(frame);
      case "synced":
        copy.reach(frame.version as number);
        live = true;
        return;
      case "lagging":
        ledger.count("lagging");
        live = false;
        if (frame.version !== copy.version)
          ledger.breach(`taken off at ${frame.version}, but the last that came was ${copy.version}`);
        return;
      case "error":
        return ledger.count(`${frame.code} (no ref)`);
      default:
    }
  }

  function joined({ epoch, version, resumed }: Frame) {
    joining = false;
    ledger.count(resumed ? "resumed" : "joined anew");
    fed = resumed ? askedFrom : (version as number);
    if (!resumed) {
      copy.restart(epoch as string, version as number);
      olderThan = (version as number) + 1;
    }
    void pageBack();
  }

  function message(frame: Frame) {
    const shown = frame as unknown as Shown;
    if (shown.version <= fed && !joining)
      ledger.breach(`out of order: version ${shown.version} came after ${fed}`);
    fed = Math.max(fed, shown.version);
    if (shown.version <= copy.version) return;
    if (!frame.replay && frame.prev !== copy.version) {
      // What a client does where something is missing heals it; but a server that works leaves nothing out.
      if (!joining)
        ledger.breach(`a gap: version ${shown.version} after ${frame.prev}, here after ${copy.version}`);
      return void join();
    }
    copy.put(shown);
    copy.reach(shown.version);
    if (!frame.replay && frame.change === "created") options.arrived?.(shown);
  }

  connect();
  return {
    copy,
    get live() {
      return sendOnly ? line?.open === true : live && olderThan <= 1;
    },
    get unanswered() {
      return unanswered.size;
    },
    get acknowledged() {
      return acknowledged;
    },
    get own() {
      return [...own];
    },
    submit(change) {
      const asked = unanswered.has(change.clientId);
      unanswered.set(change.clientId, change);
      ledger.send(change);
      if (change.type === "delete") own.delete(change.id);
      // Before the welcome nothing is sent: the welcome sends all that waits.
      if (line?.open && !asked) void transmit(change);
    },
    move() {
      if (!line?.open) return;
      line.close();
      line = undefined;
      live = false;
      ledger.count("moved");
      after(RETURN_MS.least + Math.random() * RETURN_MS.spread, connect);
    },
    stop() {
      stopped = true;
      line?.close();
    },
  };
}
