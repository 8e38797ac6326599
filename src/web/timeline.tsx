/** @jsxImportSource hono/jsx/dom */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "hono/jsx/dom";
import type { Notice } from "../client/index.ts";
import { Icon } from "./icon.tsx";
import { MessageRow } from "./message.tsx";
import { Notices } from "./notice.tsx";
import { messageWith } from "./quote.tsx";
import { type Row, rowsOf } from "./rows.ts";
import { createView } from "./view.ts";
import type { Talk, TalkState } from "./talk.ts";
import { dayName } from "./time.ts";
import { RefusedRow, WaitingRow } from "./unsent.tsx";
import type { Me } from "./person.tsx";

interface TimelineProps {
  readonly talk: Talk;
  /** What the room is called. */
  readonly label: string;
  readonly mine: TalkState;
  readonly me: Me;
  /** Ids of people whose messages are folded. */
  readonly folded: readonly string[];
  /** Whether the person may delete messages of others. */
  readonly moderates: boolean;
  readonly report: (id: number) => void;
}

/** The messages of a room. At most 160 of them are on the page. */
export function Timeline({ talk, label, mine, me, folded, moderates, report }: TimelineProps) {
  const box = useRef<HTMLElement>(null);
  const [, redraw] = useState(0);
  const view = useMemo(
    () =>
      createView({ room: talk.room, me, box: () => box.current, redraw: () => redraw((count) => count + 1) }),
    [talk],
  );
  const [active, setActive] = useState<number | undefined>(undefined);
  // Read the latest state: not only changes of the room cause a render.
  const room = talk.room.snapshot();
  const { messages, entries, waiting, more } = room;
  const notices = useMemo(() => entries.filter((entry): entry is Notice => !!entry.notice), [entries]);
  const span = view.begin(room);
  const { firstNew } = view;
  const rows = rowsOf({ messages, notices, span, more, firstNew, waiting, refused: mine.refused, me });

  useLayoutEffect(() => view.drawn());
  useEffect(() => view.watch(), [view]);
  const sent = waiting.at(-1)?.clientId;
  useLayoutEffect(() => {
    if (sent !== undefined) view.toEnd();
  }, [sent]);

  const idOf = (target: EventTarget | null) => {
    const id = (target as Element | null)?.closest?.<HTMLElement>("[data-id]")?.dataset.id;
    return id === undefined ? undefined : Number(id);
  };
  const activate = (event: Event) => {
    const id = idOf(event.target);
    if (id !== undefined && id !== active) setActive(id);
  };

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
          <span>New</span>
        </div>
      );
    if (row.kind === "notices") return <Notices key={row.key} notices={row.notices} me={me} />;
    if (row.kind === "waiting")
      return <WaitingRow key={row.key} change={row.change} head={row.head} me={me} />;
    if (row.kind === "refused")
      return <RefusedRow key={row.key} talk={talk} refused={row.refused} head={row.head} me={me} />;
    const { message, head } = row;
    return (
      <MessageRow
        key={row.key}
        talk={talk}
        message={message}
        head={head}
        me={me}
        answered={message.replyTo === undefined ? undefined : messageWith(messages, message.replyTo)}
        active={active === message.id}
        changing={mine.changing.has(message.id)}
        found={view.found === message.id}
        show={view.show}
        folded={folded.includes(message.user.id)}
        moderates={moderates}
        report={report}
      />
    );
  };

  const empty = messages.length === 0 && !more && room.state === "live" && rows.length === 0;
  return (
    <div class="timeline">
      {view.above > 0 && (
        <button type="button" class="pill above" onClick={view.toNew}>
          <Icon name="up" /> {view.above > 99 ? "99+" : view.above} new
        </button>
      )}
      <section
        class="messages"
        ref={box}
        role="log"
        aria-live="off"
        aria-label={`Messages in ${label}`}
        aria-busy={String(view.loading) as "true"}
        tabindex={0}
        onScroll={view.look}
        onFocusIn={activate}
        onClick={activate}
        onPointerLeave={() => !box.current?.contains(document.activeElement) && setActive(undefined)}
        onPointerOver={(event: PointerEvent) => event.pointerType === "mouse" && activate(event)}
        onKeyDown={(event: KeyboardEvent) => view.key(event)}
      >
        <div class="sheet">
          {!more && span.from === 0 && entries.length > 0 && (
            <p class="beginning">
              This is the beginning of <bdi>{label}</bdi>
            </p>
          )}
          {more && <p class="beginning loading">Loading earlier messages…</p>}
          {rows.map(draw)}
          {empty && <p class="beginning">No messages here yet.</p>}
        </div>
      </section>
      {!view.pinned && (
        <button type="button" class="pill below" onClick={view.toEnd}>
          <Icon name="down" /> {view.below > 0 ? `${view.below} new` : "Newest"}
        </button>
      )}
    </div>
  );
}
