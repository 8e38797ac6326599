/** @jsxImportSource hono/jsx/dom */
import { useMemo } from "hono/jsx/dom";
import type { ChatError } from "../client/index.ts";
import { Account } from "./account.tsx";
import { Conversation } from "./conversation.tsx";
import type { LinkToken } from "./linktoken.ts";
import { Joining } from "./joining.tsx";
import { useLatest } from "./latest.ts";
import type { Me } from "./person.tsx";
import { type CurrentPlace, hrefOf } from "./place.ts";
import type { Registration } from "./registration.ts";
import type { Shared } from "./shared.ts";
import { Sidebar } from "./sidebar.tsx";
import { Sign } from "./sign.tsx";

export interface AppProps extends Shared {
  readonly place: CurrentPlace;
  readonly registration: Registration;
  readonly invited: LinkToken;
  readonly storage: Storage | undefined;
}

/** The whole page. Visitors get the sign-in form; a signed-in person gets the rooms. */
export function App(props: AppProps) {
  const { chat, registration } = props;
  const { account, connection } = useLatest(chat);
  const { invite } = useLatest(registration);
  if (account) return <Desk key={account.email} {...props} />;
  const error: ChatError | undefined = connection.state === "closed" ? connection.error : undefined;
  return <Sign key={invite} chat={chat} why={error?.message} registration={registration} />;
}

function Desk({ place, storage, invited, chat, rooms }: AppProps) {
  const shared = { chat, rooms };
  const token = useLatest(invited);
  const { account, me: user } = useLatest(chat);
  const here = useLatest(place);
  const name = here.view === "room" ? here.name : undefined;
  const username = account?.username ?? "";
  const me = useMemo((): Me => user ?? { id: undefined, username }, [user, username]);
  if (!account) return null;
  return (
    <div class={`desk at-${token === undefined ? here.view : "room"}`}>
      <Sidebar {...shared} place={here} me={me} />
      {token !== undefined ? (
        <Joining chat={chat} invited={invited} token={token} />
      ) : name !== undefined ? (
        <Conversation key={name} {...shared} talk={rooms.talk(name)} me={me} />
      ) : here.view === "account" ? (
        <Account {...shared} person={account} me={me} storage={storage} />
      ) : (
        <section class="blank" aria-label="Welcome">
          <h2>Welcome</h2>
          <p>
            Choose a room, create one, or look around in{" "}
            <a href={hrefOf({ view: "room", name: "lobby" })}>the lobby</a>.
          </p>
        </section>
      )}
    </div>
  );
}
