/** @jsxImportSource hono/jsx/dom */
import type { Report, Room } from "../client/index.ts";
import { useLatest } from "./latest.ts";
import { fullTime } from "./time.ts";
import { useWork } from "./work.ts";
import { faultText } from "./words.ts";

interface ReportsProps {
  readonly room: Room;
}

/** The open reports of a room, for its moderators. */
export function Reports({ room }: ReportsProps) {
  const { items: list, more, error } = useLatest(room.reports);
  const { busy, problem, run } = useWork();

  const resolve = (id: Report["id"], resolution: string, work?: () => Promise<unknown>) => () =>
    void run(async () => {
      await work?.();
      await room.resolve(id, resolution);
    });

  return (
    <section>
      <h3>Reports</h3>
      <p class="alert" role="alert">
        {problem || (error && faultText(error))}
      </p>
      {list.length === 0 && !more && <p class="note">There are no open reports.</p>}
      <ul class="members">
        {list.map(({ id, at, reason, by, message }) => (
          <li key={id}>
            <div class="report">
              <small>
                <bdi>{by.name ?? by.username}</bdi> reported a message of{" "}
                <bdi>{message.sender.name ?? message.sender.username}</bdi>,{" "}
                <time datetime={at}>{fullTime(at)}</time>
              </small>
              <blockquote dir="auto">{message.content}</blockquote>
              <p>
                Reason: <bdi>{reason}</bdi>
              </p>
            </div>
            <div class="row">
              <button type="button" disabled={busy} onClick={resolve(id, "Nothing had to be done.")}>
                Nothing to do
              </button>
              <button
                type="button"
                class="alert"
                disabled={busy}
                onClick={resolve(id, "The message was deleted.", () => room.delete(message.id))}
              >
                Delete the message
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
