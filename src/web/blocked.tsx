/** @jsxImportSource hono/jsx/dom */
import type { Blocks } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { useLatest } from "./latest.ts";
import { Name } from "./person.tsx";
import { useWork } from "./work.ts";

/** The people whom the person blocks. */
export function Blocked({ blocks }: { readonly blocks: Blocks }) {
  const { items: people } = useLatest(blocks);
  const { busy, problem, run } = useWork();
  return (
    <>
      <p class="alert" role="alert">
        {problem}
      </p>
      {people.length === 0 && <p class="note">You block nobody.</p>}
      <ul class="members">
        {people.map(({ user: { username, ...user } }) => (
          <li key={user.id}>
            <Avatar of={{ username, user }} />
            <p>
              <Name of={{ username, user }} />
              {user.name !== undefined && <small>@{username}</small>}
            </p>
            <button
              type="button"
              aria-label={`Unblock ${user.name ?? username}`}
              disabled={busy}
              onClick={() => void run(() => blocks.remove(user.id))}
            >
              Unblock
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
