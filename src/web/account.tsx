/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { type Account as Person, type Chat, ChatError } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";
import { useLatest } from "./latest.ts";
import { asSomeone, type Me, Name } from "./person.tsx";
import { Blocked } from "./blocked.tsx";
import { hrefOf } from "./place.ts";
import type { Shared } from "./shared.ts";
import { readTheme, setTheme, type Theme } from "./theme.ts";
import { fullTime } from "./time.ts";
import { errorText } from "./words.ts";

interface AccountProps extends Shared {
  readonly person: Person;
  readonly me: Me;
  readonly storage: Storage | undefined;
}

/** The person's account, their sessions and the appearance of the page. */
export function Account({ chat, person, me, storage }: AccountProps) {
  const { items: sessions, more, error } = useLatest(chat.sessions);
  const [problem, setProblem] = useState("");
  const end = (work: Promise<unknown>) =>
    void work.then(
      () => setProblem(""),
      (failure: unknown) => setProblem(errorText(failure)),
    );
  const others = sessions.some(({ current }) => !current);

  return (
    <main class="account">
      <header class="bar">
        <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label="Back to the rooms">
          <Icon name="back" />
        </a>
        <h1>Account</h1>
      </header>
      <div class="page">
        <section class="who">
          <Avatar of={asSomeone(me)} />
          <p>
            <Name of={asSomeone(me)} />
            <small>
              {me.name !== undefined && `@${me.username} · `}
              {person.email}
            </small>
          </p>
          <button type="button" onClick={() => void chat.logout().catch(() => {})}>
            Sign out
          </button>
        </section>
        <section>
          <h2>Name</h2>
          <NameForm key={me.id} chat={chat} me={me} />
        </section>
        <section>
          <h2>Appearance</h2>
          <Look storage={storage} />
        </section>
        <section>
          <h2>Blocked people</h2>
          <Blocked blocks={chat.blocks} />
        </section>
        <section>
          <h2>Sessions</h2>
          <p class="alert" role="alert">
            {problem || (error && errorText(error))}
          </p>
          <ul class="sessions" aria-busy={more && !error ? "true" : undefined}>
            {sessions.map(({ id, userAgent, usedAt, current }) => (
              <li key={id}>
                <p>
                  <strong>{deviceOf(userAgent)}</strong>
                  <small>{current ? "This device" : `Last used ${fullTime(usedAt)}`}</small>
                </p>
                {!current && (
                  <button
                    type="button"
                    aria-label={`Sign out ${deviceOf(userAgent)}`}
                    onClick={() => end(chat.sessions.end(id))}
                  >
                    Sign out
                  </button>
                )}
              </li>
            ))}
          </ul>
          {others && (
            <button type="button" onClick={() => end(chat.sessions.endOthers())}>
              Sign out all other devices
            </button>
          )}
        </section>
      </div>
    </main>
  );
}

/** The most characters of a name. */
const NAME_MAX = 64;

/** What others see instead of the username. */
function NameForm({ chat, me }: { readonly chat: Chat; readonly me: Me }) {
  const [state, setState] = useState<{ said: string; failed?: true }>({ said: "" });
  const save = async (event: Event) => {
    event.preventDefault();
    const name = String(new FormData(event.target as HTMLFormElement).get("name")).trim();
    setState({ said: "" });
    try {
      await chat.setProfile({ name: name === "" ? null : name });
      setState({ said: "Saved." });
    } catch (error) {
      const [fault] = (error instanceof ChatError && error.errors?.name) || [];
      setState({ said: fault ? `The name ${fault}.` : errorText(error), failed: true });
    }
  };
  return (
    <form class="rename" onSubmit={save}>
      <label>
        What others see
        <input
          name="name"
          type="text"
          dir="auto"
          autocomplete="name"
          maxlength={2 * NAME_MAX}
          placeholder={me.username}
          value={me.name ?? ""}
          aria-describedby="name-about"
        />
      </label>
      <button type="submit">Save</button>
      <small id="name-about">Your username, {me.username}, stays the same.</small>
      <p class={state.failed ? "alert" : ""} role={state.failed ? "alert" : "status"}>
        {state.said}
      </p>
    </form>
  );
}

const LOOKS: readonly (readonly [Theme, string])[] = [
  ["system", "Same as system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function Look({ storage }: { readonly storage: Storage | undefined }) {
  const [theme, choose] = useState(() => readTheme(storage));
  return (
    <div class="choice" role="group" aria-label="Appearance">
      {LOOKS.map(([value, label]) => (
        <button
          key={value}
          type="button"
          aria-pressed={String(theme === value) as "true"}
          onClick={() => {
            setTheme(storage, value, document.documentElement);
            choose(value);
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** Returns a device's name for people, such as "Firefox on Linux". */
function deviceOf(userAgent: string): string {
  const browser = /\b(?:Headless)?(Edg|OPR|Firefox|Chrome|Safari|curl|Bun|node)\b/.exec(userAgent)?.[1];
  const system = /\b(Android|iPhone|iPad|Windows|Mac OS X|CrOS|Linux)\b/.exec(userAgent)?.[1];
  const name = { Edg: "Edge", OPR: "Opera", node: "Node" }[browser ?? ""] ?? browser;
  const place = { "Mac OS X": "macOS", CrOS: "ChromeOS" }[system ?? ""] ?? system;
  if (!name) return userAgent.slice(0, 60) || "Unknown device";
  return place ? `${name} on ${place}` : name;
}
