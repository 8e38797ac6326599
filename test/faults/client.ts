import { type Command, createLine, type Frame, type Line } from "./line.ts";
import type { Change } from "./change.ts";
import { createCopy, type RoomCopy, type Shown } from "./copy.ts";
import type { Ledger } from "./ledger.ts";

/** The reconnect delay in milliseconds, with jitter. */
const RETURN_MS = { least: 30, spread: 170 } as const;
const RETRY_LEAST_MS = 50;
/** How often a guest tries to get in, in milliseconds. */
const KNOCK_MS = 100;

export interface ClientOptions {
  /** Returns the server's URL; called before each connection. */
  url(): string;
  readonly token: string;
  readonly room: string;
  readonly ledger: Ledger;
  /** Joins with a command on `/ws/` instead of through the room's URL. */
  readonly byCommand?: boolean;
  /** Only sends: joins no room and keeps no copy. */
  readonly sendOnly?: boolean;
  /** Silence after which it pings, in milliseconds. After twice that long it gives the socket up. */
  readonly quietMs?: number;
  /** Called with each new message that arrives live. */
  arrived?(message: Shown): void;
  /** Its person comes and goes: it tries to come back, and a refusal of a change is final. */
  readonly guest?: boolean;
  /** Called with each frame of the room, and with each message on a page of its history. */
  seen?(frame: Frame): void;
}

/** A chat.v1 client that follows the protocol: it resumes from its position and resends unacknowledged changes. */
export interface Client {
  readonly room: string;
  readonly copy: RoomCopy;
  /** Whether it is in the room with no message missing. */
  readonly live: boolean;
  /** The number of changes that are not acknowledged yet. */
  readonly unanswered: number;
  /** The highest acknowledged version. */
  readonly acknowledged: number;
  /** The ids of its own messages that it has not deleted, newest last. */
  readonly own: readonly number[];
  /** Sends a change, or repeats an earlier one. */
  submit(change: Change): void;
  /** Closes its socket and reconnects to the server that `url` then returns. */
  move(): void;
  /** Closes it for good. */
  stop(): void;
}

export function createClient(options: ClientOptions): Client {
  const { ledger, room, sendOnly = false, byCommand = sendOnly } = options;
  const copy = createCopy();
  const unanswered = new Map<string, Change>();
  /** Changes that were sent on more than one socket, or more than once. */
  const repeated = new Set<string>();
  const own = new Set<number>();
  let line: Line | undefined;
  let live = false;
  let stopped = false;
  let joining = false;
  /** The position from which the client asked to resume its current feed. */
  let resumedFrom = 0;
  /** The last version of the current feed; versions in a feed only rise. */
  let fed = 0;
  /** The client still has to page back to the messages before this id. */
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
    resumedFrom = copy.version;
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
        if (code >= 4500 && !options.guest)
          return ledger.breach(`the server closed with ${code}, which forbids a reconnect`);
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
    resumedFrom = copy.version;
    const from = since();
    const reply = await ask({ type: "join", ...(from !== undefined && { since: from }) });
    if (reply?.type !== "error") return;
    joining = false;
    refused(reply, () => void join());
  }

  async function transmit(change: Change) {
    const reply = await ask(change);
    // Without a reply the socket is gone, and the next one resends the change.
    if (!reply || !unanswered.has(change.clientId)) return;
    if (options.guest && reply.type === "error" && !reply.retryable) {
      unanswered.delete(change.clientId);
      ledger.count(`refused: ${reply.code}`);
      return ledger.refuse(change, !repeated.has(change.clientId));
    }
    const tooLate = reply.code === "not_found";
    if (reply.type === "error" && !tooLate) return refused(reply, () => void transmit(change));
    unanswered.delete(change.clientId);
    if (tooLate) return ledger.tooLate(room, change);
    const { id, version, duplicate = false } = reply as { id: number; version: number; duplicate?: boolean };
    if (duplicate) ledger.count("duplicates");
    acknowledged = Math.max(acknowledged, version);
    ledger.ack(change, { id, version }, duplicate);
    if (change.type === "send") own.add(id);
  }

  function refused(reply: Frame, again: () => void) {
    ledger.count(String(reply.code));
    if (!reply.retryable && !options.guest)
      return ledger.breach(`permanently refused: ${JSON.stringify(reply)}`);
    const current = line;
    const least = reply.retryable ? RETRY_LEAST_MS : KNOCK_MS;
    after(Math.max(Number(reply.retryAfterMs ?? 0), least), () => current === line && again());
  }

  /** Pages back through the history before the current copy. If the socket ends, the next one continues. */
  async function pageBack() {
    const run = ++paging;
    while (olderThan > 1) {
      const reply = await ask({ type: "history", before: olderThan, limit: 500 });
      if (run !== paging || !reply) return;
      if (reply.type === "error") {
        ledger.count(String(reply.code));
        if (!reply.retryable && options.guest) return;
        await Bun.sleep(Math.max(Number(reply.retryAfterMs ?? 0), RETRY_LEAST_MS));
        continue;
      }
      const page = reply.messages as Shown[];
      for (const message of page) {
        options.seen?.({ ...message, type: "message" });
        copy.put(message);
      }
      olderThan = reply.more ? (page[0]?.id ?? 1) : 1;
    }
  }

  function take(frame: Frame): void {
    if (frame.room === room) options.seen?.(frame);
    switch (frame.type) {
      case "welcome":
        if (!sendOnly && byCommand) void join();
        for (const change of unanswered.values()) {
          ledger.count("resent");
          repeated.add(change.clientId);
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
      case "left":
        joining = live = false;
        return after(KNOCK_MS, () => void join());
      case "lagging":
        ledger.count("lagging");
        live = false;
        if (frame.version !== copy.version)
          ledger.breach(`lagging at version ${frame.version}, but the last one received was ${copy.version}`);
        return;
      case "error":
        return ledger.count(`${frame.code} (no ref)`);
      default:
    }
  }

  function joined({ epoch, version, resumed }: Frame) {
    joining = false;
    ledger.count(resumed ? "resumed" : "joined without resume");
    fed = resumed ? resumedFrom : (version as number);
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
      // Joining again repairs a gap, but a correct server leaves none.
      if (!joining)
        ledger.breach(
          `a gap: version ${shown.version} follows ${frame.prev}, but the client has ${copy.version}`,
        );
      return void join();
    }
    copy.put(shown);
    copy.reach(shown.version);
    if (!frame.replay && frame.change === "created") options.arrived?.(shown);
  }

  connect();
  return {
    room,
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
      const waits = unanswered.has(change.clientId);
      if (ledger.sends.has(change.clientId)) repeated.add(change.clientId);
      unanswered.set(change.clientId, change);
      ledger.send(change);
      if (change.type === "delete") own.delete(change.id);
      // Before `welcome` nothing is sent; `welcome` then triggers all pending changes.
      if (line?.open && !waits) void transmit(change);
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
