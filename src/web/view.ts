import type { Room, RoomState } from "../client/index.ts";
import { firstNewOf } from "./rows.ts";
import { createScroll } from "./scroll.ts";
import { around, earlier, type Held, heldBy, indexOf, later, type Span, spanOf } from "./span.ts";

/** More is drawn, or read, when the edge is nearer than this, in pixels. */
const NEAR = 600;
/** At the end is who is not further from it than this, in pixels. */
const END = 32;
const PAGE = 50;
/** A jump reads no more than this many pages of the history. */
const PAGES_MAX = 200;
/** How long a message that someone has jumped to is marked, in milliseconds. */
const FOUND_MS = 2_000;
/** The mark of what has been read moves so often at most, in milliseconds. */
const READ_MS = 300;

interface ViewOptions {
  readonly room: Room;
  readonly me: string | undefined;
  box(): HTMLElement | null;
  redraw(): void;
}

/** Which part of a conversation is on the page, and where one reads in it. */
export type View = ReturnType<typeof createView>;

export function createView({ room, me, box, redraw }: ViewOptions) {
  const scroll = createScroll(box);
  let held: Held = {};
  let pinned = true;
  let state = room.snapshot();
  let span: Span = { from: 0, to: 0 };
  let loading = false;
  /** As it was when the room was opened. */
  let readTo: number | undefined;
  let unread = 0;
  let firstNew: number | undefined;
  /** The newest message that was drawn while one was at the end. */
  let seen = 0;
  /** Where to go once it is drawn. */
  let target: number | undefined;
  /** To the end, from wherever one is. */
  let going = false;
  let found: number | undefined;
  /** The first new message has been on the screen. */
  let metNew = false;
  let looking: number | undefined;
  let marking: ReturnType<typeof setTimeout> | undefined;

  const hold = (next: Held) => {
    held = next;
    redraw();
  };

  const older = () => {
    if (loading || !state.more) return;
    loading = true;
    room
      .older(PAGE)
      .then(
        () => {
          // Drawn together with what it is put before, so that nothing moves.
          const { messages } = (state = room.snapshot());
          if (!pinned) held = earlier(messages, spanOf(messages, held, pinned));
        },
        () => {},
      )
      .finally(() => {
        loading = false;
        redraw();
      });
  };

  /** What is on the screen of somebody who is there has been read. */
  const read = () => {
    marking ??= setTimeout(() => {
      marking = undefined;
      const last = state.messages.at(-1)?.id ?? 0;
      if (pinned && document.visibilityState === "visible" && last > state.lastRead)
        room.read(last).catch(() => {});
    }, READ_MS);
  };

  /** What is on the page stays there, whatever comes. */
  const unpin = () => {
    pinned = false;
    held = { ...heldBy(state.messages, span), last: undefined };
  };

  const look = () => {
    const element = box();
    if (!element) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    const left = scrollHeight - scrollTop - clientHeight;
    const whole = span.to === state.messages.length;
    const atEnd = whole && left <= END;
    if (!metNew && firstNew !== undefined) {
      const line = element.querySelector(".divider.new");
      if (line && line.getBoundingClientRect().bottom > element.getBoundingClientRect().top) {
        metNew = true;
        redraw();
      }
    }
    if (atEnd !== pinned) {
      if (atEnd) pinned = true;
      else unpin();
      redraw();
    }
    if (atEnd) {
      seen = state.messages.at(-1)?.id ?? 0;
      if (seen > state.lastRead) read();
    }
    if (scrollTop < NEAR && span.from > 0) hold(earlier(state.messages, span));
    else if (scrollTop < NEAR && state.more) older();
    else if (left < NEAR && !whole) hold(later(state.messages, span));
  };

  const go = (id: number) => {
    target = id;
    pinned = going = false;
    hold(around(state.messages, id));
  };

  const show = async (id: number) => {
    for (let page = 0; page < PAGES_MAX; page++) {
      const { messages, more } = room.snapshot();
      if (!more || (messages[0]?.id ?? Infinity) <= id) break;
      await room.older(PAGE).catch(() => {});
    }
    state = room.snapshot();
    const exact = state.messages[indexOf(state.messages, id)];
    if (!exact) return;
    found = exact.id;
    setTimeout(() => {
      found = undefined;
      redraw();
    }, FOUND_MS);
    go(exact.id);
  };

  const toEnd = () => {
    pinned = going = true;
    hold({});
  };

  return {
    get pinned() {
      return pinned;
    },
    get loading() {
      return loading;
    },
    get found() {
      return found;
    },
    get firstNew() {
      return firstNew;
    },
    /** How many new messages are above what one sees. */
    get above(): number {
      return metNew ? 0 : unread;
    },
    /** How many have come since one was at the end. */
    get below(): number {
      return seen === 0 ? 0 : state.messages.length - indexOf(state.messages, seen + 1);
    },
    /** Before it is drawn. */
    begin(next: RoomState): Span {
      if (pinned && !going && scroll.strayed()) unpin();
      state = next;
      // What was read when the room was opened; messages that come afterwards are not what one looks for.
      if (readTo === undefined && next.state === "live") {
        ({ unread } = next);
        readTo = unread > 0 ? next.lastRead : Infinity;
      }
      if (readTo !== undefined && unread > 0) firstNew ??= firstNewOf(next, readTo, me);
      scroll.hold();
      return (span = spanOf(next.messages, held, pinned));
    },
    /** After it is drawn. */
    drawn() {
      const element = box();
      going = false;
      if (target === undefined) scroll.restore(pinned);
      else {
        const row = element?.querySelector<HTMLElement>(`[data-id="${target}"]`);
        target = undefined;
        if (element && row) {
          const top = row.getBoundingClientRect().top - element.getBoundingClientRect().top;
          element.scrollTop += top - element.clientHeight / 4;
          row.focus({ preventScroll: true });
        }
      }
      // In the next frame: a page that is drawn again and again would stand still.
      looking ??= requestAnimationFrame(() => {
        looking = undefined;
        look();
      });
    },
    /** Keeps the place when the window or what is in it changes its size. */
    watch(): () => void {
      const element = box();
      if (!element) return () => {};
      const observer = new ResizeObserver(() => scroll.restore(pinned && !scroll.strayed()));
      observer.observe(element);
      if (element.firstElementChild) observer.observe(element.firstElementChild);
      document.addEventListener("visibilitychange", look);
      return () => {
        observer.disconnect();
        document.removeEventListener("visibilitychange", look);
      };
    },
    look() {
      scroll.hold();
      look();
    },
    show: (id: number) => void show(id),
    toEnd,
    toNew() {
      metNew = true;
      void show(firstNew ?? (readTo ?? 0) + 1);
    },
    /** Up and down go from message to message. */
    key(event: KeyboardEvent) {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (event.key === "End" || (step && !(event.target as Element).matches(".messages, .said"))) {
        if (event.key === "End") toEnd();
        return;
      }
      if (!step) return;
      const rows = [...(box()?.querySelectorAll<HTMLElement>("[data-id]") ?? [])];
      const at = rows.indexOf(event.target as HTMLElement);
      const next = at < 0 ? rows.at(-1) : rows[at + step];
      if (!next) return;
      event.preventDefault();
      next.focus();
    },
  };
}
