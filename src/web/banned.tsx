/** @jsxImportSource hono/jsx/dom */
import type { Room } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { useLatest } from "./latest.ts";
import { Name } from "./person.tsx";
import { fullTime } from "./time.ts";
import { useWork } from "./work.ts";
import { faultText } from "./words.ts";

/** The people who are banned from a room, for those who may let them in again. */
export function Banned({ room }: { readonly room: Room }) {
  const { items: bans, more, error } = useLatest(room.bans);
  const { busy, problem, run } = useWork();

  return (
    <section>
      <h3>Banned</h3>
      <p class="alert" role="alert">
        {problem || (error && faultText(error))}
      </p>
      {bans.length === 0 && !more && <p class="note">Nobody is banned.</p>}
      <ul class="members">
        {bans.map(({ user: { username, ...user }, by, since }) => (
          <li key={user.id}>
            <Avatar of={{ username, user }} />
            <p>
              <Name of={{ username, user }} />
              <small>
                {user.name !== undefined && `@${username} · `}
                {by && (
                  <>
                    By <bdi>{by.name ?? by.username}</bdi> ·{" "}
                  </>
                )}
                <time datetime={since}>{fullTime(since)}</time>
              </small>
            </p>
            <button
              type="button"
              aria-label={`Unban ${user.name ?? username}`}
              disabled={busy}
              onClick={() => void run(() => room.unban(user.id))}
            >
              Unban
            </button>
          </li>
        ))}
      </ul>
      {more && bans.length > 0 && (
        <button
          type="button"
          class="plain wide"
          disabled={busy}
          onClick={() => void run(() => room.bans.load())}
        >
          Show more
        </button>
      )}
    </section>
  );
}
