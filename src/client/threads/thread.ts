import { entriesIn } from "../frames.ts";
import type { Message, MessageFrame } from "../message.ts";
import type { HistoryPage, HistoryQuery, OlderQuery, Room, ThreadState } from "../roomstate.ts";
import type { Request, Session } from "../session.ts";
import { type ChatError, errorOf, unexpected } from "../errors.ts";
import { createSubject, type Store } from "../subject.ts";

/** What the part for threads adds to the room of a thread. */
export interface ThreadInside extends Store<ThreadState> {
  older(query?: OlderQuery): Promise<void>;
  history(query?: HistoryQuery): Promise<HistoryPage>;
  read(id: number): Promise<void>;
  follow(on?: boolean): Promise<void>;
}

interface Options {
  readonly room: Room;
  readonly root: number;
  readonly session: Session;
  /** Makes a request that is idempotent, until its outcome is known. */
  readonly repeat: Request;
  readonly me: () => string | undefined;
}

/** Replies that are loaded at first. */
const PAGE = 50;

/**
 * A thread: a part of its room, which stays joined while someone is subscribed. What the room gets is taken in, and if the room
 * was not resumed, the thread is loaded anew.
 */
export function createThread({ room, root: id, session, repeat, me }: Options): ThreadInside {
  const path = `rooms/${encodeURIComponent(room.name)}/threads/${id}/`;
  let known = new Map<number, Message>();
  let more = true;
  let loaded = false;
  /** It was loaded once, and stays on show while it is loaded again. */
  let shown = false;
  let seat = { following: false, lastRead: 0 };
  let error: ChatError | undefined;
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;
  let paging: Promise<void> | undefined;
  let offs: (() => void)[] = [];
  let subscribers = 0;

  const isOurs = ({ id: one, thread }: Message) => one === id || thread === id;

  const put = (those: readonly Message[]) => {
    for (const one of those) if ((known.get(one.id)?.version ?? 0) <= one.version) known.set(one.id, one);
  };

  const replies = () => [...known.values()].filter((one) => one.id !== id).sort((a, b) => a.id - b.id);

  const view = createSubject<ThreadState>(() => {
    const state = room.snapshot();
    // Until the page is there, what the room gets may leave gaps.
    const root = shown ? known.get(id) : undefined;
    const all = shown ? replies() : [];
    const messages = root && !more ? [root, ...all] : all;
    const lastRead = Math.max(seat.lastRead, id);
    const isNew = (one: Message) => one.id > lastRead && one.user.id !== me() && !one.deletedAt;
    return {
      ...state,
      state: error ? "out" : state.state === "live" && !loaded ? "catching_up" : state.state,
      error: error ?? state.error,
      root,
      messages,
      entries: messages,
      more,
      waiting: state.waiting.filter(
        ({ thread, clientId }) => thread === id && !all.some((one) => one.clientId === clientId),
      ),
      typing: [],
      ...seat,
      lastRead,
      unread: Math.min(100, all.filter(isNew).length),
    };
  });

  const load = async () => {
    const mine = ++life;
    /** What arrives meanwhile may be newer than the page. */
    const before = known;
    known = new Map();
    try {
      const { body } = await session.request("GET", `${path}?limit=${PAGE}`);
      if (mine !== life) return;
      const { root, messages, following, lastRead } = (body ?? {}) as Record<string, unknown>;
      const [first] = entriesIn([root]) as Message[];
      if (!first) throw unexpected();
      const page = entriesIn(messages) as Message[];
      put([first, ...page]);
      more = page.length >= PAGE;
      // What arrived meanwhile may leave a gap before the page.
      const oldest = more ? (page[0]?.id ?? 0) : 0;
      for (const one of known.keys()) if (one < oldest && one !== id) known.delete(one);
      seat = { following: following === true, lastRead: Number(lastRead) || 0 };
      loaded = shown = true;
      error = undefined;
    } catch (thrown) {
      if (mine !== life) return;
      const why = errorOf(thrown);
      if (loaded) put([...before.values()]);
      // With the next connection, or the next subscriber.
      if (!why.retryable) error = why;
    }
    view.changed();
  };

  const take = (frame: MessageFrame) => {
    if (!isOurs(frame)) return;
    const { type: _, room: __, change: ___, prev: ____, replay: _____, ...message } = frame;
    const oldest = replies()[0]?.id ?? 0;
    // An earlier reply that is not loaded comes with its page.
    if (loaded && more && message.id < oldest && message.id !== id) return;
    put([{ ...message, replies: known.get(message.id)?.replies } as Message]);
  };

  const start = () => {
    offs = [
      room.on("joined", ({ resumed }) => {
        if (!resumed || !loaded) void load();
      }),
      room.on("message", take),
      room.on("thread", (frame) => {
        if (frame.id !== id || frame.following === undefined) return;
        seat = { following: frame.following, lastRead: Math.max(seat.lastRead, frame.lastRead ?? 0) };
      }),
      room.subscribe(view.changed),
    ];
    if (!loaded || room.snapshot().state !== "live") void load();
  };

  const keep = async (body: object) => {
    const { body: now } = await repeat("PUT", `${path}me/`, { body });
    const { following, lastRead } = (now ?? {}) as Record<string, unknown>;
    seat = { following: following === true, lastRead: Math.max(seat.lastRead, Number(lastRead) || 0) };
    view.changed();
  };

  const history = async (query: HistoryQuery = {}): Promise<HistoryPage> => {
    const page = await room.history({ ...query, notices: false, thread: id });
    const root = known.get(id);
    if (page.older || !root || (query.after !== undefined && query.after >= id)) return page;
    return { ...page, entries: [root, ...page.entries], messages: [root, ...page.messages] };
  };

  return {
    ...view,
    subscribe(listener) {
      if (subscribers++ === 0) start();
      const off = view.subscribe(listener);
      return () => {
        off();
        if (--subscribers > 0) return;
        for (const end of offs) end();
        // What is missed from now on is loaded by the next subscriber.
        loaded = false;
        offs = [];
      };
    },
    history,
    older({ limit = 100, signal } = {}) {
      const mine = life;
      return (paging ??= room
        .history({ before: replies()[0]?.id ?? Number.MAX_SAFE_INTEGER, limit, signal, thread: id })
        .then((page) => {
          if (mine !== life) return;
          put(page.messages);
          more = page.older;
          view.changed();
        })
        .finally(() => (paging = undefined)));
    },
    async read(to) {
      if (to <= seat.lastRead) return;
      seat = { ...seat, lastRead: to };
      view.changed();
      await keep({ lastRead: to });
    },
    follow: (on = true) => keep({ following: on }),
  };
}
