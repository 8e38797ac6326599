import type { Connection } from "./connection.ts";
import { ChatError } from "./errors.ts";
import type { List } from "./list.ts";
import type { RoomKind } from "./message.ts";
import type { Places } from "./places.ts";
import type { Ports } from "./ports.ts";
import { afterClose, backoff, leftError, pauseAfter } from "./reconnect.ts";
import type { RoomState } from "./roomstate.ts";

interface Options {
  /** The room's name. */
  readonly name: string;
  readonly ports: Pick<Ports, "clock" | "random">;
  readonly connection: Pick<Connection, "open" | "ask" | "renewal">;
  readonly list: Pick<List, "since" | "epoch">;
  readonly places: Places;
  /** Why the chat was closed. */
  readonly closed: () => ChatError | undefined;
  /** Whether someone is subscribed to the room. */
  readonly held: () => boolean;
  /** Whether changes of the room wait in the outbox. */
  readonly busy: () => boolean;
  /** The room is not joined any more. With an error, it is not joined again by itself. */
  ended(error: ChatError | undefined): void;
  changed(): void;
}

/** A room on the current socket: joined while it is open or has waiting changes, with retries. */
export type Feed = ReturnType<typeof createFeed>;

export function createFeed({ name, ports, connection, list, places, ...options }: Options) {
  const { clock, random } = ports;
  /** The application follows the room. */
  let opened = false;
  /** Progress on the current socket: `join` sent, `ok` received, `joined` received. */
  let phase: "out" | "asked" | "answered" | "in" = "out";
  let live = false;
  let error: ChatError | undefined;
  /** Why the person was put out of the room, since the last `joined`. */
  let departure: ChatError | undefined;
  /** The person was added since the last `joined`, so what says that they are out may be older. */
  let readmitted = false;
  /** The count of newer tokens when the person last wanted something in the room. */
  let renewals = 0;
  /** Rises when the reply to an earlier join no longer matters. */
  let joins = 0;
  /** Failed joins and gaps since the last progress. */
  let failures = 0;
  let cancelRetry = () => {};

  const wanted = () => opened || options.busy();

  const seat = {
    get spare() {
      return !options.held();
    },
    get busy() {
      return options.busy();
    },
    join: () => join(),
    yield() {
      leave();
      options.changed();
    },
  };

  const end = (why: ChatError | undefined) => {
    joins++;
    phase = "out";
    live = false;
    error = why;
    cancelRetry();
    options.ended(why);
    places.free(seat);
  };

  const leave = () => {
    connection.ask({ type: "leave", room: name }, () => {});
    end(undefined);
  };

  /** Leaves the room on the server once neither the application nor the outbox needs it. */
  const leaveUnwanted = () => {
    if (wanted()) return;
    if (phase === "out") places.free(seat);
    else leave();
  };

  const retry = (ms: number) => {
    cancelRetry();
    cancelRetry = clock.after(ms, () => phase === "out" && join());
  };

  /** `first`: before rooms that were opened earlier, if the socket has no place left. */
  const join = (first = false) => {
    cancelRetry();
    if (!connection.open || !wanted() || error || !places.take(seat, first)) return;
    const ticket = ++joins;
    phase = "asked";
    live = false;
    connection.ask({ type: "join", room: name, since: list.since }, (reply) => {
      if (ticket !== joins) return;
      if (!(reply instanceof ChatError)) return void (phase = "answered");
      if (reply.claim)
        return void connection.renewal.cover(renewals).then((again) => {
          if (ticket !== joins) return;
          if (again) join();
          else barred(reply);
        });
      phase = "out";
      if (reply.code === "disconnected") return;
      // The server's count of rooms may be behind.
      if (reply.retryable || reply.code === "too_many_rooms")
        return retry(pauseAfter(reply, failures++, random()));
      barred(reply);
    });
  };

  const barred = (why: ChatError) => {
    // Anyone who was in the room before may come back.
    if (list.epoch) departure ??= why;
    refused(departure ?? why);
    options.changed();
  };

  /** The person may not be in the room, unless they were added after the server found that out. */
  const refused = (why: ChatError) => {
    // Anyone who left wants to stay out, and joining an open room would make them a member again.
    const back = readmitted && why.code !== "left";
    readmitted = false;
    end(back ? undefined : why);
    if (back) join();
  };

  const open = () => {
    opened = true;
    error = options.closed();
    departure = undefined;
    renewals = connection.renewal.count;
    failures = 0;
    if (phase === "out") join(true);
    options.changed();
  };

  /** Joins again from the list's version, because something is missing. Backs off if the last attempt did not help. */
  const rejoin = () => {
    phase = "out";
    live = false;
    if (failures++ === 0) join();
    else retry(backoff(failures, random()));
    options.changed();
  };

  return {
    state(): RoomState["state"] {
      if (error) return "out";
      if (!wanted()) return "idle";
      if (!connection.open) return "offline";
      if (phase !== "in") return "joining";
      return live ? "live" : "catching_up";
    },
    get error() {
      return error;
    },
    get opened() {
      return opened;
    },
    get joined() {
      return phase === "in";
    },
    /** Until the reply to the join and the `joined` that follows it, frames belong to the earlier feed. */
    accepts: (type: string) => phase === "in" || (phase === "answered" && type === "joined"),
    /** `joined` arrived. */
    entered() {
      phase = "in";
      live = readmitted = false;
      departure = undefined;
    },
    /** Whether everything up to now was received. */
    caughtUp: (is: boolean) => void (live = is),
    progressed: () => void (failures = 0),
    rejoin,
    /** `left` arrived, with this code. */
    left(code: number) {
      if (afterClose(code) === "back") rejoin();
      else refused((departure = leftError(code, name)));
    },
    /** Follows the room until `close`. Does nothing after an error, unless it is `again`. */
    open(again: boolean) {
      if (opened ? error && again : !error || again) open();
    },
    close() {
      opened = false;
      if (!wanted()) error = undefined;
      leaveUnwanted();
      options.changed();
    },
    /** The person wants something in the room, which a newer token may cover. */
    wish() {
      renewals = connection.renewal.count;
      if (error?.claim) error = undefined;
    },
    /** A change waits in the outbox, which needs the room joined. */
    changing() {
      if (phase === "out") join();
    },
    /** A change of the outbox has settled. */
    settled: leaveUnwanted,
    connected() {
      failures = 0;
      // Nobody says what happened while there was no connection.
      if (departure && departure.code !== "left") error = undefined;
      join(options.held());
      options.changed();
    },
    disconnected() {
      end(error);
      options.changed();
    },
    admitted(kind: RoomKind | undefined) {
      if (error?.code === "left" && kind === "open") return;
      readmitted = true;
      if (!opened || !error) return;
      error = undefined;
      join();
      options.changed();
    },
    /** The server accepted a newer token, which may cover the room. */
    renewed() {
      if (!error?.claim) return;
      error = undefined;
      join();
      options.changed();
    },
    drop() {
      error = departure = undefined;
      readmitted = false;
    },
    /** Ends the room because of an error, unless nobody uses it. */
    end(why: ChatError) {
      if (!wanted()) return;
      opened = false;
      end(why);
      options.changed();
    },
  };
}
