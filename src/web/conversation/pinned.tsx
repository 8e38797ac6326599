/** @jsxImportSource hono/jsx/dom */
import type { Room } from "../../client/index.ts";
import { useDialog } from "../page/layers.ts";
import { hrefOf } from "../page/place.ts";
import { fullTime } from "../page/time.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { More } from "../parts/more.tsx";
import { asSomeone, Name } from "../parts/person.tsx";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";
import { KeptMessage } from "../rooms/kept.tsx";

interface PinnedProps {
  readonly room: Room;
  readonly mayPin: boolean;
  readonly close: () => void;
}

/** The dialog with the pinned messages of a room. */
export function Pinned({ room, mayPin, close }: PinnedProps) {
  const dialog = useDialog();
  const { items } = useLatest(room.pins);
  const { busy, problem, run } = useWork();
  const says = later.keeping;
  return (
    <dialog ref={dialog} class="confirm details" aria-labelledby="pinned-title" onClose={close}>
      <header>
        <h2 id="pinned-title">{says.pinned}</h2>
        <button
          type="button"
          class="plain"
          aria-label={says.closePinned}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="alert" role="alert">
        {problem}
      </p>
      <ul class="kept">
        {items.map(({ pinned, ...message }) => (
          <KeptMessage
            key={message.id}
            message={message}
            href={hrefOf({ view: "room", name: room.name, message: message.id })}
            open={() => dialog.current?.close()}
            about={says.pinnedBy(
              <Name of={asSomeone(pinned.by)} />,
              <time datetime={pinned.at}>{fullTime(pinned.at)}</time>,
            )}
          >
            {mayPin && (
              <button
                type="button"
                disabled={busy}
                onClick={() => void run(() => room.pins.remove(message.id))}
              >
                {says.unpin}
              </button>
            )}
          </KeptMessage>
        ))}
      </ul>
      <More list={room.pins} none={says.nothingPinned} />
    </dialog>
  );
}
