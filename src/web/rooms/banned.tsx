/** @jsxImportSource hono/jsx/dom */
import type { Room } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { More } from "../parts/more.tsx";
import { useLatest } from "../parts/latest.ts";
import { Name } from "../parts/person.tsx";
import { fullTime } from "../page/time.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

/** The people who are banned from a room, for those who may let them in again. */
export function Banned({ room }: { readonly room: Room }) {
  const { items: bans } = useLatest(room.bans);
  const { busy, problem, run } = useWork();
  const says = later.bans;

  return (
    <section>
      <h3>{says.title}</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      <ul class="members">
        {bans.map(({ user: { username, ...user }, by, since }) => (
          <li key={user.id}>
            <Avatar of={{ username, user }} />
            <p>
              <Name of={{ username, user }} />
              <small>
                {user.name !== undefined && `@${username} · `}
                {by && <>{says.by(<bdi>{by.name ?? by.username}</bdi>)} · </>}
                <time datetime={since}>{fullTime(since)}</time>
              </small>
            </p>
            <button
              type="button"
              aria-label={says.unbanOf(user.name ?? username)}
              disabled={busy}
              onClick={() => void run(() => room.unban(user.id))}
            >
              {says.unban}
            </button>
          </li>
        ))}
      </ul>
      <More list={room.bans} none={says.nobody} />
    </section>
  );
}
