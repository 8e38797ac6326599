/** @jsxImportSource hono/jsx/dom */
import { useMemo, useState } from "hono/jsx/dom";
import { useEffect } from "./parts/effect.ts";
import type { ChatError } from "../client/index.ts";
import type { LinkToken } from "./rooms/linktoken.ts";
import { useLatest } from "./parts/latest.ts";
import { lazy } from "./parts/lazy.tsx";
import type { Me } from "./parts/person.tsx";
import { type CurrentPlace, hrefOf } from "./page/place.ts";
import type { Registration } from "./account/registration.ts";
import type { PageStorage } from "./page/storage.ts";
import type { Shared } from "./page/shared.ts";
import { SkipLinks } from "./page/skip.tsx";
import type { Source } from "./parts/source.ts";
import { Sidebar } from "./rooms/sidebar.tsx";
import { loadMarkup } from "./text/markup.ts";
import { stepFrom } from "./rooms/step.ts";
import { Switcher, toggleSwitcher } from "./rooms/switcher.tsx";
import { watchKeys } from "./page/keys.ts";
import { Welcome } from "./rooms/welcome.tsx";
import { faultText } from "./words/problems.ts";
import account from "./style/account.css" with { type: "file" };
import dialogs from "./style/dialogs.css" with { type: "file" };
import mentions from "./style/mentions.css" with { type: "file" };
import search from "./style/search.css" with { type: "file" };
import conversation from "./style/conversation.css" with { type: "file" };
import composer from "./style/composer.css" with { type: "file" };
import message from "./style/message.css" with { type: "file" };
import files from "./style/files.css" with { type: "file" };
import switcher from "./style/switcher.css" with { type: "file" };
import { words } from "./words/language.ts";

/** Its code is on its way with the first messages, which need more round trips. */
const Conversation = lazy(
  () =>
    // With the code for markup, so that messages do not change before the reader's eyes.
    Promise.all([import("./conversation/conversation.tsx"), loadMarkup()]).then(
      ([{ Conversation }]) => Conversation,
    ),
  conversation,
  composer,
  message,
  files,
);
export const loadConversation = Conversation.preload;
const Account = lazy(
  () => import("./account/account.tsx").then(({ Account }) => Account),
  dialogs,
  account,
  switcher,
);
const Saved = lazy(() => import("./rooms/saved.tsx").then(({ Saved }) => Saved), dialogs, account);
const Inbox = lazy(() => import("./mentions/inbox.tsx").then(({ Inbox }) => Inbox), conversation, mentions);
const Joining = lazy(() => import("./rooms/joining.tsx").then(({ Joining }) => Joining));
const NewRoom = lazy(() => import("./rooms/newroom.tsx").then(({ NewRoom }) => NewRoom), dialogs);
const Search = lazy(() => import("./search/search.tsx").then(({ Search }) => Search), dialogs, search);
const Shortcuts = lazy(
  () => import("./page/shortcuts.tsx").then(({ Shortcuts }) => Shortcuts),
  dialogs,
  switcher,
);
const Sign = lazy(() => import("./account/sign.tsx").then(({ Sign }) => Sign), dialogs);
const Ticket = lazy(() => import("./account/ticket.tsx").then(({ Ticket }) => Ticket), dialogs);

export interface AppProps extends Shared {
  readonly place: CurrentPlace;
  /** The reader's current day. */
  readonly today: Source<number>;
  readonly registration: Registration;
  readonly invited: LinkToken;
  /** What a link in a mail is for. */
  readonly ticket: LinkToken;
  readonly storage: PageStorage;
}

/** The whole page. Visitors get the sign-in form; a signed-in person gets the rooms. */
export function App(props: AppProps) {
  const { chat, registration, ticket } = props;
  const { account, connection } = useLatest(chat);
  const { invite } = useLatest(registration);
  const link = useLatest(ticket);
  if (link) return <Ticket key={link} ticket={ticket} link={link} />;
  if (account) return <Desk key={account.email} {...props} />;
  const error: ChatError | undefined = connection.state === "closed" ? connection.error : undefined;
  return <Sign key={invite} chat={chat} why={error && faultText(error)} registration={registration} />;
}

function Desk({ place, storage, invited, chat, rooms, today }: AppProps) {
  const shared = { chat, rooms };
  const token = useLatest(invited);
  const { account, me: user } = useLatest(chat);
  const here = useLatest(place);
  const name = here.view === "room" ? here.name : undefined;
  const username = account?.username ?? "";
  const me = useMemo((): Me => user ?? { id: undefined, username }, [user, username]);
  const [dialog, setDialog] = useState<"new" | "search" | "shortcuts" | undefined>(undefined);
  const close = () => setDialog(undefined);
  const start = () => setDialog("new");

  useEffect(() => {
    const step = (by: 1 | -1, unread?: boolean) => () => {
      const now = place.snapshot();
      const next = stepFrom(rooms.snapshot().lines, now.view === "room" ? now.name : undefined, by, unread);
      if (next !== undefined) location.hash = hrefOf({ view: "room", name: next });
    };
    return watchKeys(window, {
      find: toggleSwitcher,
      search: () => setDialog("search"),
      help: () => setDialog("shortcuts"),
      previous: step(-1),
      next: step(1),
      previousUnread: step(-1, true),
      nextUnread: step(1, true),
    });
  }, [rooms, place]);

  if (!account) return null;
  return (
    <>
      <div class={`desk at-${token === undefined ? here.view : "room"}`}>
        {name !== undefined && <SkipLinks />}
        <Sidebar
          {...shared}
          today={today}
          place={here}
          me={me}
          start={start}
          search={() => setDialog("search")}
        />
        {token !== undefined ? (
          <Joining chat={chat} invited={invited} token={token} />
        ) : name !== undefined ? (
          <Conversation key={name} {...shared} talk={rooms.talk(name)} me={me} today={today} place={here} />
        ) : here.view === "saved" ? (
          <Saved {...shared} />
        ) : here.view === "mentions" ? (
          <Inbox {...shared} />
        ) : here.view === "account" ? (
          <Account {...shared} person={account} me={me} storage={storage} />
        ) : (
          <section class="blank" aria-label={words.rooms.welcome}>
            <Welcome rooms={rooms} start={start} />
          </section>
        )}
      </div>
      <Switcher {...shared} me={me} here={name} />
      {dialog === "new" && <NewRoom {...shared} me={me} close={close} />}
      {dialog === "search" && <Search {...shared} me={me} here={name} close={close} />}
      {dialog === "shortcuts" && <Shortcuts close={close} />}
    </>
  );
}
