import type { Message, Room, RoomState } from "../../client/index.ts";
import { createJump } from "./jump.ts";
import { newsOf } from "./news.ts";
import { createPast } from "./past.ts";
import { createReading } from "./reading.ts";
import { type Anchor, createScroll, type Goal, shownIn } from "./scroll.ts";
import { around, earlier, type Held, heldBy, later, type Span, spanOf } from "./span.ts";
import { isWatched, watchAttention } from "../page/attention.ts";
import type { Me } from "../parts/person.tsx";

/** More messages are rendered or loaded within this distance of the edge, in pixels. */
const NEAR = 600;
/** A reader within this many pixels of the end counts as being at the end. */
const END = 32;
/** A room with more unread messages than this opens at its end. */
const CATCH_UP_MAX = 99;
/** Where the first new message is if the line is at the upper edge, in pixels. */
const LINE_PX = 40;
/** Messages that a room loads at first. */
const PAGE = 50;

interface ViewOptions {
  readonly room: Room;
  readonly me: Me | undefined;
  box(): HTMLElement | null;
  redraw(): void;
  /** A link leads to a reply in a thread. */
  inThread(reply: Message): void;
}

/** Where the reader was in each room that is not shown. Absent: at the end. */
const places = new WeakMap<Room, Anchor>();

/** The part of a conversation that is on the page, and the reader's position in it. */
export type View = ReturnType<typeof createView>;

export function createView({ room, me, box, redraw, inThread }: ViewOptions) {
  const scroll = createScroll(box);
  const past = createPast(room);
  const reading = createReading(room, me);
  let held: Held = {};
  let pinned = true;
  const place = places.get(room);
  let state = room.snapshot();
  let stretch = past.stretch(state);
  let span: Span = { from: 0, to: 0 };
  let loading = false;
  /** The room was live, so its read mark is known; and then its first page was loaded. */
  let opening = false;
  let opened = false;
  /** The message that a link leads to. */
  let linked: number | undefined;
  /** The newest message that was shown while the reader was at the end. */
  let atEndTo = 0;
  /** The first and the last message on the screen. */
  let top = 0;
  let bottom = 0;
  /** What the page last said about unread messages. */
  let news: ReturnType<typeof newsNow> | undefined;
  /** What to scroll to after the next render. */
  let goal: Goal | undefined;
  /** Scroll to the end after the next render. */
  let going = false;
  let looking: number | undefined;

  const hold = (next: Held) => {
    held = next;
    redraw();
  };

  const load = (work: () => Promise<void>, done: () => void) => {
    if (loading) return;
    loading = true;
    work()
      .then(done, () => {})
      .finally(() => {
        loading = false;
        redraw();
      });
  };

  const older = () =>
    load(past.older, () => {
      // Render the page together with the messages after it, so that nothing moves.
      const { messages } = (stretch = past.stretch((state = room.snapshot())));
      if (!pinned) held = earlier(messages, spanOf(messages, held, pinned));
    });

  /** Keeps the current span when new messages arrive. */
  const unpin = () => {
    pinned = false;
    held = { ...heldBy(stretch.messages, span), last: undefined };
  };

  const look = () => {
    const element = box();
    if (!element || !opened) return;
    // What grew since the last render is not a reader who scrolled away.
    if (pinned && leftIn(element) > END && !scroll.strayed()) scroll.restore(pinned);
    const { scrollTop } = element;
    const left = leftIn(element);
    const whole = span.to === stretch.messages.length;
    // If there are messages that are not rendered yet, the end is further down.
    const isLatest = !stretch.newer && room.snapshot().messages.at(-1) === state.messages.at(-1);
    const atEnd = whole && left <= END;
    const shown = shownIn(element);
    top = shown[0] ?? top;
    bottom = shown.at(-1) ?? bottom;
    if (isWatched()) reading.see(shown, stretch);
    reading.update(state, stretch, false);
    if (isLatest && pinned !== atEnd && (pinned || isWatched())) {
      if (atEnd) held = { ...held, last: undefined };
      else unpin();
      pinned = atEnd;
      redraw();
    }
    if (isLatest && atEnd && isWatched()) atEndTo = state.messages.at(-1)?.id ?? 0;
    if (JSON.stringify(newsNow()) !== JSON.stringify(news)) redraw();
    const anchor = pinned ? undefined : scroll.anchor();
    if (anchor) places.set(room, anchor);
    else places.delete(room);
    if (scrollTop < NEAR && span.from > 0) hold(earlier(stretch.messages, span));
    else if (scrollTop < NEAR && stretch.more) older();
    else if (left < NEAR && !whole) hold(later(stretch.messages, span));
    else if (left < NEAR && stretch.newer) load(past.newer, () => {});
  };

  const attend = () => {
    if (!isWatched()) {
      // Without the window's focus the page follows the end for as long as the first new message stays on the screen.
      if (document.visibilityState === "hidden" && pinned) unpin();
      reading.leave();
      redraw();
    }
    look();
  };

  const go = (to: Goal) => {
    stretch = past.stretch((state = room.snapshot()));
    goal = to;
    pinned = going = false;
    hold(around(stretch.messages, to.id));
  };

  const jump = createJump({ room, past, redraw, inThread, found: (id) => go({ id, focus: true }) });

  /** Goes to the first unread message, and loads it if necessary. */
  const toNew = async (focus: boolean) => {
    const loaded = reading.first(stretch);
    const message = loaded ?? (await jump.near(reading.readTo + 1).catch(() => undefined));
    if (!message) return;
    stretch = past.stretch((state = room.snapshot()));
    reading.update(state, stretch, false);
    go({ id: (reading.first(stretch) ?? message).id, focus });
  };

  const toEnd = () => {
    jump.cancel();
    past.close();
    pinned = going = true;
    goal = undefined;
    hold({});
  };

  /** Decides where the reader begins, once the room's read mark is known. */
  const open = async () => {
    const { unread, messages, more } = state;
    const isFew = unread <= CATCH_UP_MAX;
    if (messages.length === 0 && more) {
      loading = true;
      await room.older({ limit: PAGE + (isFew ? unread : 0) }).catch(() => {});
      loading = false;
    }
    stretch = past.stretch((state = room.snapshot()));
    opened = true;
    if (linked !== undefined) await jump.to(linked);
    else if (place) {
      const message = await jump.near(place.id).catch(() => undefined);
      if (message) go({ ...place, id: message.id, focus: false });
    } else if (unread > 0 && isFew) await toNew(false);
    redraw();
  };

  const newsNow = () => ({
    ...newsOf({ reading, stretch, state, atEndTo, top, bottom }, opened),
    pinned,
  });

  return {
    get loading() {
      return loading;
    },
    jump,
    get stretch() {
      return stretch;
    },
    get news() {
      return (news = newsNow());
    },
    /** Call before rendering. Returns the span to render. */
    begin(next: RoomState): Span {
      if (pinned && !going && scroll.strayed()) unpin();
      const { first } = heldBy(stretch.messages, span);
      state = next;
      stretch = past.stretch(state);
      if (!opening && state.state === "live") {
        opening = true;
        queueMicrotask(() => void open());
      }
      if (opening) reading.update(state, stretch, pinned && isWatched());
      scroll.hold();
      span = spanOf(stretch.messages, held, pinned);
      const { line } = reading;
      // So much came at once that the first new message would not even be rendered.
      if (pinned && !isWatched() && line && line < (stretch.messages[span.from]?.id ?? 0)) {
        pinned = false;
        held = { first };
        goal = { id: line, top: LINE_PX, focus: false };
        span = spanOf(stretch.messages, held, pinned);
      }
      return span;
    },
    /** Call after rendering. */
    drawn() {
      going = false;
      if (goal) scroll.show(goal);
      else scroll.restore(pinned);
      goal = undefined;
      if (pinned && !isWatched() && scroll.stopAt(".divider.new")) unpin();
      if (!pinned) scroll.hold();
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
      const offs = [watchAttention(attend), past.follow()];
      return () => {
        jump.cancel();
        observer.disconnect();
        for (const off of offs) off();
      };
    },
    look() {
      scroll.hold();
      look();
    },
    /** Goes to the message of a link. */
    show(id: number) {
      if (opened) void jump.to(id);
      else linked = id;
    },
    toEnd,
    /** Goes to the first unread message. */
    toNew: () => void toNew(true),
    /** Goes to the first new message below the screen. */
    toNext() {
      if (news?.next) go({ id: news.next, focus: true });
    },
    markRead() {
      reading.finish();
      redraw();
    },
  };
}

/** How far the end is below the screen, in pixels. */
const leftIn = ({ scrollHeight, scrollTop, clientHeight }: Element) =>
  scrollHeight - scrollTop - clientHeight;
