/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Account as Person, Chat } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { asSomeone, type Me, Name } from "../parts/person.tsx";
import { Blocked } from "./blocked.tsx";
import { Data } from "./data.tsx";
import { Notifications } from "../notify/section.tsx";
import { Mail } from "./mail.tsx";
import { Password } from "./password.tsx";
import { hrefOf } from "../page/place.ts";
import { Sessions } from "./sessions.tsx";
import type { Shared } from "../page/shared.ts";
import { Shortcuts } from "../page/shortcuts.tsx";
import type { PageStorage } from "../page/storage.ts";
import { readTheme, setTheme, type Theme } from "./theme.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface AccountProps extends Shared {
  readonly person: Person;
  readonly me: Me;
  readonly storage: PageStorage;
}

/** The person's account, their sessions and how the page behaves on this device. */
export function Account({ chat, person, me, storage }: AccountProps) {
  const [shortcuts, setShortcuts] = useState(false);
  const says = later.account;
  return (
    <main class="account">
      <header class="bar">
        <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label={says.back}>
          <Icon name="back" />
        </a>
        <h1>{says.title}</h1>
      </header>
      <div class="page">
        <section class="who">
          <Avatar of={asSomeone(me)} />
          <p>
            <Name of={asSomeone(me)} />
            <small>
              {me.name !== undefined && `@${me.username} · `}
              <bdi>{person.email}</bdi>
            </small>
          </p>
          <button type="button" onClick={() => void chat.logout().catch(() => {})}>
            {says.signOut}
          </button>
        </section>
        <section>
          <h2>{says.name}</h2>
          <NameForm key={me.id} chat={chat} me={me} />
        </section>
        <section>
          <h2>{later.notify.title}</h2>
          <Notifications chat={chat} storage={storage} />
        </section>
        <section>
          <h2>{says.appearance}</h2>
          <Look storage={storage} />
        </section>
        <section>
          <h2>{later.page.shortcuts}</h2>
          <button type="button" onClick={() => setShortcuts(true)}>
            {says.showShortcuts}
          </button>
          {shortcuts && <Shortcuts close={() => setShortcuts(false)} />}
        </section>
        <section>
          <h2>{says.blockedPeople}</h2>
          <Blocked blocks={chat.blocks} />
        </section>
        <section>
          <h2>{says.sessions}</h2>
          <Sessions sessions={chat.sessions} />
        </section>
        {"mails" in document.documentElement.dataset && (
          <section>
            <h2>{later.mail.title}</h2>
            <Mail chat={chat} />
          </section>
        )}
        <section>
          <h2>{says.changePassword}</h2>
          <Password chat={chat} person={person} />
        </section>
        <Data chat={chat} person={person} />
      </div>
    </main>
  );
}

/** The most characters of a name. */
const NAME_MAX = 64;

/** What others see instead of the username. */
function NameForm({ chat, me }: { readonly chat: Chat; readonly me: Me }) {
  const [saved, setSaved] = useState(false);
  const { busy, problem, run } = useWork();
  const says = later.account;
  const save = async (event: Event) => {
    event.preventDefault();
    const name = String(new FormData(event.target as HTMLFormElement).get("name")).trim();
    setSaved(false);
    setSaved(await run(() => chat.setProfile({ name: name === "" ? null : name })));
  };
  return (
    <form class="rename" onSubmit={save}>
      <label>
        {says.whatOthersSee}
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
      <button type="submit" disabled={busy}>
        {says.save}
      </button>
      <small id="name-about">{says.usernameStays(me.username)}</small>
      <p class={problem ? "alert" : ""} role={problem ? "alert" : "status"}>
        {problem || (saved ? says.saved : "")}
      </p>
    </form>
  );
}

const LOOKS: readonly Theme[] = ["system", "light", "dark"];

function Look({ storage }: { readonly storage: PageStorage }) {
  const [theme, choose] = useState(() => readTheme(storage));
  return (
    <div class="choice" role="group" aria-label={later.account.appearance}>
      {LOOKS.map((value) => (
        <button
          key={value}
          type="button"
          aria-pressed={String(theme === value) as "true"}
          onClick={() => {
            setTheme(storage, value, document.documentElement);
            choose(value);
          }}
        >
          {later.account.looks[value]}
        </button>
      ))}
    </div>
  );
}
