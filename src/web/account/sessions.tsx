/** @jsxImportSource hono/jsx/dom */
import type { Chat } from "../../client/index.ts";
import { More } from "../parts/more.tsx";
import { useLatest } from "../parts/latest.ts";
import { useWork } from "../parts/work.ts";
import { fullTime } from "../page/time.ts";
import { later } from "../words/later.ts";

/** Where the person is signed in. */
export function Sessions({ sessions }: { readonly sessions: Chat["sessions"] }) {
  const { items } = useLatest(sessions);
  const { busy, problem, run } = useWork();
  const says = later.account;
  return (
    <>
      <p class="alert" role="alert">
        {problem}
      </p>
      <ul class="sessions">
        {items.map(({ id, userAgent, usedAt, current }) => (
          <li key={id}>
            <p>
              <strong>{deviceOf(userAgent)}</strong>
              <small>{current ? says.thisDevice : says.lastUsed(fullTime(usedAt))}</small>
            </p>
            {!current && (
              <button
                type="button"
                aria-label={says.signOutOf(deviceOf(userAgent))}
                disabled={busy}
                onClick={() => void run(() => sessions.end(id))}
              >
                {says.signOut}
              </button>
            )}
          </li>
        ))}
      </ul>
      <More list={sessions} />
      {items.some(({ current }) => !current) && (
        <button type="button" disabled={busy} onClick={() => void run(() => sessions.endOthers())}>
          {says.signOutOthers}
        </button>
      )}
    </>
  );
}

const BROWSERS: Readonly<Record<string, string>> = { Edg: "Edge", OPR: "Opera", node: "Node" };
const SYSTEMS: Readonly<Record<string, string>> = { "Mac OS X": "macOS", CrOS: "ChromeOS" };

/** Returns a device's name for people, such as "Firefox on Linux". */
function deviceOf(userAgent: string): string {
  const browser = /\b(?:Headless)?(Edg|OPR|Firefox|Chrome|Safari|curl|Bun|node)\b/.exec(userAgent)?.[1];
  const system = /\b(Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux)\b/.exec(userAgent)?.[1];
  if (!browser) return userAgent.slice(0, 60) || later.account.unknownDevice;
  const name = BROWSERS[browser] ?? browser;
  return system ? later.account.deviceOn(name, SYSTEMS[system] ?? system) : name;
}
