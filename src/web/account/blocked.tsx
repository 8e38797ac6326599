/** @jsxImportSource hono/jsx/dom */
import type { Blocks } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { More } from "../parts/more.tsx";
import { useLatest } from "../parts/latest.ts";
import { Name } from "../parts/person.tsx";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

/** The people whom the person blocks. */
export function Blocked({ blocks }: { readonly blocks: Blocks }) {
  const { items: people } = useLatest(blocks);
  const { busy, problem, run } = useWork();
  return (
    <>
      <p class="alert" role="alert">
        {problem}
      </p>
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
              aria-label={later.account.unblockOf(user.name ?? username)}
              disabled={busy}
              onClick={() => void run(() => blocks.remove(user.id))}
            >
              {later.account.unblock}
            </button>
          </li>
        ))}
      </ul>
      <More list={blocks} none={later.account.nobodyBlocked} />
    </>
  );
}
