import { type Chat, ChatError, createSubject, type FoundMessage } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";
import { faultText } from "../words/sentences.ts";

/** How long typing pauses until it searches by itself, in milliseconds. */
const PAUSE_MS = 400;
const PAGE = 20;
/** The most pages that one step looks through. */
const PAGES = 5;

export interface SearchState {
  readonly found: readonly FoundMessage[];
  /** `idle`: nothing was searched for. */
  readonly state: "idle" | "searching" | "done" | "failed";
  /** Not everything was looked at. */
  readonly partial: boolean;
  readonly more: boolean;
  readonly problem: string;
}

/** Searches as someone types: the latest text alone. */
export interface Searching extends Source<SearchState> {
  /** The text or the room has changed. Searches after a pause, or `now`. */
  typed(text: string, room: string | undefined, now?: boolean): void;
  /** Loads the next page. */
  more(): void;
  stop(): void;
}

const NOTHING: SearchState = { found: [], state: "idle", partial: false, more: false, problem: "" };

export function createSearching(chat: Pick<Chat, "search">): Searching {
  let state = NOTHING;
  let asked = "";
  let next: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let control = new AbortController();
  const { snapshot, subscribe, changed } = createSubject(() => state);
  const set = (change: Partial<SearchState>) => {
    state = { ...state, ...change };
    changed();
  };

  /** Reads pages until there is something to show, because a page may be empty although another one follows. */
  const read = async (text: string, room: string | undefined, after: string | undefined) => {
    const { signal } = control;
    set({ state: "searching", problem: "" });
    try {
      let page = await chat.search(text, { room, after, limit: PAGE, signal });
      for (let pages = 1; pages < PAGES && page.items.length === 0 && page.next !== undefined; pages++)
        page = await chat.search(text, { room, after: page.next, limit: PAGE, signal });
      if (signal.aborted) return;
      next = page.next;
      const before = after === undefined ? [] : state.found;
      const found = [...before, ...page.items];
      set({ found, state: "done", partial: page.partial, more: next !== undefined });
    } catch (error) {
      if (signal.aborted) return;
      // A query that is not complete yet is no mistake while someone types.
      const found = after === undefined ? [] : state.found;
      set({
        found,
        state: "failed",
        problem: faultText(error),
        more: after !== undefined && isPassing(error),
      });
    }
  };
  let again = () => {};

  return {
    snapshot,
    subscribe,
    typed(typed, room, now = false) {
      const text = typed.trim();
      const key = `${room ?? ""}\n${text}`;
      if (key === asked && !(now && (timer !== undefined || state.state === "failed"))) return;
      asked = key;
      clearTimeout(timer);
      timer = undefined;
      control.abort();
      control = new AbortController();
      if (text === "") return set(NOTHING);
      const start = () => {
        timer = undefined;
        void read(text, room, undefined);
      };
      again = () => void read(text, room, next);
      if (now) start();
      else timer = setTimeout(start, PAUSE_MS);
    },
    more: () => again(),
    stop() {
      clearTimeout(timer);
      control.abort();
    },
  };
}

const isPassing = (error: unknown) => error instanceof ChatError && error.retryable;
