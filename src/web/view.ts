import type { Room, RoomState } from "../client/index.ts";
import { firstNewOf } from "./rows.ts";
import { createScroll } from "./scroll.ts";
import { around, earlier, type Held, heldBy, indexOf, later, type Span, spanOf } from "./span.ts";
import type { Me } from "./person.tsx";

/** More messages are rendered or loaded within this distance of the edge, in pixels. */
const NEAR = 600;
/** A reader within this many pixels of the end counts as being at the end. */
const END = 32;
const PAGE = 50;
/** A jump loads at most this many pages of the history. */
const PAGES_MAX = 200;
/** How long the target of a jump is highlighted, in milliseconds. */
const FOUND_MS = 2_000;
/** The shortest time between two moves of the read mark, in milliseconds. */
const READ_MS = 300;

interface ViewOptions {
  readonly room: Room;
  readonly me: Me | undefined;
  box(): HTMLElement | null;
  redraw(): void;
}

/** The part of a conversation that is on the page, and the reader's position in it. */
export type View = ReturnType<typeof createView>;

export function createView({ room, me, box, redraw }: ViewOptions) {
  const scroll = createScroll(box);
  let held: Held = {};
  let pinned = true;
  let state = room.snapshot();
  let span: Span = { from: 0, to: 0 };
  let loading = false;
  /** The read mark when the room was opened. */
  let readTo: number | undefined;
  let unread = 0;
  let firstNew: number | undefined;
  /** The newest message that was shown while the reader was at the end. */
  let seen = 0;
  /** The message to scroll to after the next render. */
  let target: number | undefined;
  /** Scroll to the end after the next render. */
  let going = false;
  let found: number | undefined;
  /** Whether the first new message has been on the screen. */
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
      .older({ limit: PAGE })
      .then(
        () => {
          // Render the page together with the messages after it, so that nothing moves.
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

  /** Moves the read mark to the last message if the page is visible. */
  const read = () => {
    marking ??= setTimeout(() => {
      marking = undefined;
      const last = state.messages.at(-1)?.id ?? 0;
      if (pinned && document.visibilityState === "visible" && last > state.lastRead)
        room.read(last).catch(() => {});
    }, READ_MS);
  };

  /** Keeps the current span when new messages arrive. */
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
      await room.older({ limit: PAGE }).catch(() => {});
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
    /** The number of new messages above the visible ones. */
    get above(): number {
      return metNew ? 0 : unread;
    },
    /** The number of messages since the reader was at the end. */
    get below(): number {
      return seen === 0 ? 0 : state.messages.length - indexOf(state.messages, seen + 1);
    },
    /** Call before rendering. Returns the span to render. */
    begin(next: RoomState): Span {
      if (pinned && !going && scroll.strayed()) unpin();
      state = next;
      // Remember the mark once: messages that arrive later are not the ones the reader is looking for.
      if (readTo === undefined && next.state === "live") {
        ({ unread } = next);
        readTo = unread > 0 ? next.lastRead : Infinity;
      }
      if (readTo !== undefined && unread > 0) firstNew ??= firstNewOf(next, readTo, me);
      scroll.hold();
      return (span = spanOf(next.messages, held, pinned));
    },
    /** Call after rendering. */
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
      // Wait a frame: rendering again at once could block the page.
      looking ??= requestAnimationFrame(() => {
        looking = undefined;
        look();
      });
    },
    /** Keeps the position when the window or its content is resized. Returns a function that stops it. */
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
    /** The arrow keys move the focus from message to message. */
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
