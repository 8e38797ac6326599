/** @jsxImportSource hono/jsx/dom */
import type { Report, Room } from "../../client/index.ts";
import { More } from "../parts/more.tsx";
import { useLatest } from "../parts/latest.ts";
import { fullTime } from "../page/time.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface ReportsProps {
  readonly room: Room;
}

/** The open reports of a room, for its moderators. */
export function Reports({ room }: ReportsProps) {
  const { items: list } = useLatest(room.reports);
  const { busy, problem, run } = useWork();
  const says = later.reports;

  const resolve = (id: Report["id"], resolution: string, work?: () => Promise<unknown>) => () =>
    void run(async () => {
      await work?.();
      await room.resolve(id, resolution);
    });

  return (
    <section>
      <h3>{says.title}</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      <ul class="members">
        {list.map(({ id, at, reason, by, message }) => (
          <li key={id}>
            <div class="report">
              <small>
                {says.reported(
                  <bdi>{by.name ?? by.username}</bdi>,
                  <bdi>{message.sender.name ?? message.sender.username}</bdi>,
                  <time datetime={at}>{fullTime(at)}</time>,
                )}
              </small>
              <blockquote dir="auto">{message.content}</blockquote>
              {message.files && (
                <p>
                  <bdi>{message.files.map(({ name }) => name).join(", ")}</bdi>
                </p>
              )}
              <p>{says.reason(<bdi>{reason}</bdi>)}</p>
            </div>
            <div class="row">
              <button type="button" disabled={busy} onClick={resolve(id, "Nothing had to be done.")}>
                {says.nothing}
              </button>
              <button
                type="button"
                class="alert"
                disabled={busy}
                onClick={resolve(id, "The message was deleted.", () => room.delete(message.id))}
              >
                {says.delete}
              </button>
            </div>
          </li>
        ))}
      </ul>
      <More list={room.reports} none={says.none} />
    </section>
  );
}
