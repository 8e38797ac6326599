/** @jsxImportSource hono/jsx/dom */
import { useLayoutEffect, useMemo, useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Notice, RoomState } from "../../client/index.ts";
import { keyOf } from "../parts/avatar.tsx";
import { spread } from "../parts/hues.ts";
import type { Addresses } from "../files/addresses.ts";
import { isPicture } from "../files/file.ts";
import { Icon } from "../parts/icon.tsx";
import { lazy } from "../parts/lazy.tsx";
import { MessageRow } from "./message.tsx";
import { Notices } from "./notice.tsx";
import { messageWith } from "./quote.tsx";
import { type Row, rowsOf } from "./rows.ts";
import { createView } from "./view.ts";
import { goHome } from "../page/layers.ts";
import { usePrinting } from "../page/printing.ts";
import { rove } from "../page/roving.ts";
import { useLatest } from "../parts/latest.ts";
import type { Source } from "../parts/source.ts";
import type { Place } from "../page/place.ts";
import { talkWords } from "../words/talk.ts";
import type { Talk, TalkState } from "../composer/talk.ts";
import { dayName } from "../page/time.ts";
import { RefusedRow, SendingRow, WaitingRow } from "../composer/unsent.tsx";
import { asSomeone, type Me } from "../parts/person.tsx";
import gallery from "../style/gallery.css" with { type: "file" };
import touch from "../style/touch.css" with { type: "file" };

const Gallery = lazy(() => import("../files/gallery.tsx").then(({ Gallery }) => Gallery), gallery);
const Touch = lazy(() => import("./touch.tsx").then(({ Touch }) => Touch), touch);

/** Messages that are not sent yet are at the end of the room. */
const NONE = { waiting: [], sending: [], refused: [] } as const;

interface TimelineProps {
  readonly talk: Talk;
  readonly addresses: Addresses;
  /** What the room is called. */
  readonly label: string;
  readonly mine: TalkState;
  readonly me: Me;
  /** The place in the address bar, which can be a message of the room. */
  readonly place: Place;
  readonly today: Source<number>;
  /** Ids of people whose messages are folded. */
  readonly folded: readonly string[];
  /** Whether the person may delete messages of others. */
  readonly moderates: boolean;
  /** Whether the person may pin messages. */
  readonly pins: boolean;
  readonly report: (id: number) => void;
}

/** The messages of a room. At most 160 of them are on the page. */
export function Timeline(props: TimelineProps) {
  const { talk, addresses, label, mine, me, place, today, folded, moderates, pins, report } = props;
  const box = useRef<HTMLElement>(null);
  const [, redraw] = useState(0);
  const view = useMemo(
    () =>
      createView({
        room: talk.room,
        me,
        box: () => box.current,
        redraw: () => redraw((count) => count + 1),
        inThread: ({ id, thread: root = id }) => talk.show({ root, message: id }),
      }),
    [talk],
  );
  const [active, setActive] = useState<number | undefined>(undefined);
  /** The picture that was opened, and its message. */
  const [opened, setOpened] = useState<{ readonly file: string; readonly message: number } | undefined>(
    undefined,
  );
  // Read the latest state: not only changes of the room cause a render.
  const room = talk.room.snapshot();
  const screen = view.begin(room);
  const { messages, entries, more, newer } = view.stretch;
  const span = usePrinting(talk.room) ? { from: 0, to: messages.length } : screen;
  const notices = useMemo(() => entries.filter((entry): entry is Notice => !!entry.notice), [entries]);
  const { line, above, below, next, pinned } = view.news;
  const unsent = newer ? NONE : { waiting: room.waiting, sending: mine.sending, refused: mine.refused };
  const rows = rowsOf({ messages, notices, span, more, firstNew: line, ...unsent, me });
  useLatest(today);
  useHues(rows, room);

  useLayoutEffect(() => view.drawn());
  useEffect(() => view.watch(), [view]);
  useEffect(
    () =>
      box.current
        ? rove({ box: box.current, items: ".said, .notices", end: view.toEnd, leave: goHome })
        : undefined,
    [view],
  );
  const linked = place.view === "room" ? place.message : undefined;
  useLayoutEffect(() => {
    if (linked !== undefined) view.show(linked);
  }, [view, place]);
  const sent = room.waiting.at(-1)?.clientId;
  const filed = mine.sending.at(-1)?.clientId;
  useLayoutEffect(() => {
    if (sent !== undefined) view.toEnd();
  }, [sent]);
  /** Those with files that were being sent before: only a new one scrolls to the end. */
  const begun = useRef(new Set(mine.sending.map(({ clientId }) => clientId)));
  useLayoutEffect(() => {
    if (filed === undefined || begun.current?.has(filed)) return;
    begun.current?.add(filed);
    view.toEnd();
  }, [filed]);

  const idOf = (target: EventTarget | null) => {
    const id = (target as Element | null)?.closest?.<HTMLElement>("[data-id]")?.dataset.id;
    return id === undefined ? undefined : Number(id);
  };
  const byTouch = useRef(false);
  const activate = (event: Event) => {
    // Fingers open the actions by staying. Screen readers click without a finger.
    if (byTouch.current && !(event.type === "click" && (event as UIEvent).detail === 0)) return;
    const id = idOf(event.target);
    if (id !== undefined && id !== active) setActive(id);
  };

  const open = ({ target }: Event) => {
    const file = (target as Element).closest<HTMLElement>("[data-picture]")?.dataset.picture;
    const message = idOf(target);
    if (file !== undefined && message !== undefined) setOpened({ file, message });
  };
  /** Without those of people whom the person blocks, unless they wanted to see the message. */
  const exhibits = () =>
    messages
      .filter(({ id, user }) => id === opened?.message || !folded.includes(user.id))
      .flatMap((message) => (message.files ?? []).filter(isPicture).map((file) => ({ file, message })));

  const draw = (row: Row) => {
    if (row.kind === "day")
      return (
        <div class="divider" key={row.key} role="separator">
          <span>{dayName(row.at)}</span>
        </div>
      );
    if (row.kind === "new")
      return (
        <div class="divider new" key={row.key} role="separator">
          <span>{talkWords.conversation.new}</span>
        </div>
      );
    if (row.kind === "notices") return <Notices key={row.key} notices={row.notices} me={me} />;
    if (row.kind === "waiting")
      return <WaitingRow key={row.key} talk={talk} change={row.change} head={row.head} me={me} />;
    if (row.kind === "sending")
      return <SendingRow key={row.key} talk={talk} sending={row.sending} head={row.head} me={me} />;
    if (row.kind === "refused")
      return <RefusedRow key={row.key} talk={talk} refused={row.refused} head={row.head} me={me} />;
    const { message, head } = row;
    return (
      <MessageRow
        key={row.key}
        talk={talk}
        addresses={addresses}
        message={message}
        head={head}
        me={me}
        answered={message.replyTo === undefined ? undefined : messageWith(messages, message.replyTo)}
        active={active === message.id}
        changing={mine.changing.has(message.id)}
        found={view.jump.found === message.id}
        show={view.show}
        folded={folded.includes(message.user.id)}
        moderates={moderates}
        pins={pins}
        report={report}
      />
    );
  };

  const empty = messages.length === 0 && !more && room.state === "live" && rows.length === 0;
  return (
    <>
      <div class="timeline">
        {/* The first element, which is never moved: a dialog that is moved is no longer modal. */}
        <div>
          {opened && (
            <Gallery
              exhibits={exhibits()}
              first={opened.file}
              addresses={addresses}
              close={() => setOpened(undefined)}
            />
          )}
        </div>
        {view.jump.lost && (
          <p class="pill lost" role="alert">
            <span>{talkWords.conversation.lost[view.jump.lost]}</span>{" "}
            <button type="button" class="link" onClick={view.jump.dismiss}>
              {talkWords.conversation.ok}
            </button>
          </p>
        )}
        {above > 0 && (
          <div class="pills above">
            <button type="button" class="pill" onClick={view.toNew}>
              <Icon name="up" /> {talkWords.conversation.newMessages(above)}
            </button>
            <button type="button" class="pill" onClick={view.markRead}>
              {talkWords.conversation.markRead}
            </button>
          </div>
        )}
        <section
          class="messages"
          ref={box}
          role="log"
          aria-live="off"
          aria-label={talkWords.conversation.messagesIn(label)}
          aria-busy={String(view.loading) as "true"}
          tabindex={0}
          onScroll={view.look}
          onFocusIn={activate}
          onClick={(event: Event) => {
            activate(event);
            open(event);
          }}
          onPointerLeave={() => !box.current?.contains(document.activeElement) && setActive(undefined)}
          onPointerDown={(event: PointerEvent) => (byTouch.current = event.pointerType === "touch")}
          onKeyDown={() => (byTouch.current = false)}
          onPointerOver={(event: PointerEvent) => {
            if (event.pointerType !== "mouse") return;
            byTouch.current = false;
            activate(event);
          }}
        >
          <div class="sheet">
            {!more && span.from === 0 && entries.length > 0 && (
              <p class="beginning">{talkWords.conversation.beginning(<bdi>{label}</bdi>)}</p>
            )}
            {more && <p class="beginning loading">{talkWords.conversation.loadingEarlier}</p>}
            {rows.map(draw)}
            {newer && <p class="beginning loading">{talkWords.conversation.loadingLater}</p>}
            {empty && <p class="beginning empty">{talkWords.conversation.noMessages}</p>}
          </div>
        </section>
        {!pinned && (
          <div class="pills below">
            {next !== undefined && (
              <button key="next" type="button" class="pill next" onClick={view.toNext}>
                <Icon name="down" /> {talkWords.conversation.newMessages(below)}
              </button>
            )}
            <button key="end" type="button" class="pill end" onClick={view.toEnd}>
              <Icon name="down" />{" "}
              {next === undefined && below > 0
                ? talkWords.conversation.newMessages(below)
                : talkWords.conversation.newest}
            </button>
          </div>
        )}
      </div>
      {navigator.maxTouchPoints > 0 && (
        <Touch
          talk={talk}
          addresses={addresses}
          me={me}
          box={() => box.current}
          find={(id) => messageWith(messages, id)}
          pinned={pinned}
          toEnd={view.toEnd}
          moderates={moderates}
          pins={pins}
          report={report}
        />
      )}
    </>
  );
}

/** Gives the people of a conversation colours that differ. Those who were seen first keep theirs. */
function useHues(rows: readonly Row[], room: RoomState): void {
  const seen = useRef(new Set<string>());
  const all = seen.current;
  if (!all) return;
  for (const row of rows) if (row.kind === "message") all.add(keyOf(row.message));
  for (const person of room.people) all.add(keyOf(asSomeone(person)));
  spread([...all], true);
}
