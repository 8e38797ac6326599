/** @jsxImportSource hono/jsx/dom */
import { useMemo } from "hono/jsx/dom";
import type { Message, ThreadState } from "../../client/index.ts";
import { Composer } from "../composer/composer.tsx";
import type { ShownThread, Talk } from "../composer/talk.ts";
import type { Addresses } from "../files/addresses.ts";
import { useLayer } from "../page/layers.ts";
import type { Place } from "../page/place.ts";
import { useBack } from "../parts/dismiss.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { isBy, type Me } from "../parts/person.tsx";
import type { Source } from "../parts/source.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/sentences.ts";
import { talkWords } from "../words/talk.ts";
import { Announcer } from "./announcer.tsx";
import { Timeline } from "./timeline.tsx";

interface ThreadProps {
  readonly addresses: Addresses;
  /** That of the room. */
  readonly talk: Talk;
  readonly shown: ShownThread;
  /** What the room is called. */
  readonly label: string;
  /** Why the person cannot write, as a sentence. */
  readonly silent: string | undefined;
  readonly me: Me;
  readonly today: Source<number>;
  readonly folded: readonly string[];
  readonly moderates: boolean;
  readonly pins: boolean;
  readonly report: (id: number) => void;
}

/** A thread beside its room; on a phone, in its place. */
export function Thread({ talk: around, shown, label, silent, ...shared }: ThreadProps) {
  const { me, folded } = shared;
  const { root, message } = shown;
  const talk = useMemo(() => around.inThread(root), [around, root]);
  const mine = useLatest(talk);
  const thread = useLatest(talk.room) as ThreadState;
  const place = useMemo((): Place => ({ view: "room", name: talk.room.name, message }), [shown]);
  const says = later.threads;
  const close = () => around.show(undefined);
  const panel = useLayer<HTMLElement>(true, close);
  const last = () =>
    talk.room.snapshot().messages.findLast((one: Message) => isBy(me, one) && !one.deletedAt);
  const named = says.in(label);
  return (
    <aside ref={panel} class="thread" aria-label={named}>
      {matchMedia("(max-width: 42rem)").matches && <Back close={close} />}
      <header class="bar">
        <button type="button" class="plain leave" aria-label={says.back} onClick={close}>
          <Icon name="back" />
        </button>
        <div class="heading">
          <h2>{says.title}</h2>
          <p class="topic">
            <bdi>{label}</bdi>
          </p>
        </div>
        {thread.root && (
          <button
            type="button"
            class="follow"
            aria-pressed={String(thread.following) as "true"}
            onClick={() =>
              void around.room
                .thread(root)
                .follow(!thread.following)
                .catch(() => {})
            }
          >
            {thread.following ? says.following : says.follow}
          </button>
        )}
        <button type="button" class="plain shut" aria-label={says.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {thread.state === "out" ? (
        <div class="blank">
          <p role="alert">
            {thread.error?.code === "not_found" ? says.missing : thread.error && faultText(thread.error)}
          </p>
        </div>
      ) : (
        <Timeline key={root} label={named} talk={talk} mine={mine} place={place} {...shared} />
      )}
      <footer>
        {mine.notice && (
          <p class="now">
            <span class="alert" role="alert">
              {mine.notice}{" "}
              <button type="button" class="link" onClick={() => talk.quiet()}>
                {talkWords.conversation.ok}
              </button>
            </span>
          </p>
        )}
        {thread.state !== "out" &&
          (silent ? (
            <p class="silent">{silent}</p>
          ) : (
            <>
              <label class="also">
                <input
                  type="checkbox"
                  checked={mine.alsoRoom}
                  onChange={(event: Event) => talk.sayInRoom((event.target as HTMLInputElement).checked)}
                />{" "}
                {says.alsoRoom(label)}
              </label>
              <Composer key={root} label={named} talk={talk} last={last} />
            </>
          ))}
      </footer>
      <Announcer key={root} room={talk.room} me={me} muted={folded} />
    </aside>
  );
}

/** On a phone, Back leads from the thread to its room. */
function Back({ close }: { readonly close: () => void }) {
  useBack(close);
  return null;
}
