/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Invitation, RoomSettings } from "../../client/index.ts";
import { Banned } from "./banned.tsx";
import { useDialog } from "../page/layers.ts";
import { Icon } from "../parts/icon.tsx";
import { Invitations } from "./invitations.tsx";
import { LeaveRoom } from "./leave.tsx";
import { canNotify, isNotifying } from "../notify/settings.ts";
import { hrefOf } from "../page/place.ts";
import { later } from "../words/later.ts";
import { rightsIn } from "./may.ts";
import { Members } from "./members.tsx";
import type { Me } from "../parts/person.tsx";
import { Reports } from "./reports.tsx";
import type { RoomLine } from "./rooms.ts";
import type { Shared } from "../page/shared.ts";
import type { Talk } from "../composer/talk.ts";
import { useWork } from "../parts/work.ts";

interface DetailsProps extends Shared {
  readonly talk: Talk;
  readonly about: RoomLine;
  readonly me: Me;
  readonly close: () => void;
}

/** The dialog about a room: what it is, who is in it, and what the person may change. */
export function Details({ talk, about, me, close, ...shared }: DetailsProps) {
  const { rooms } = shared;
  const { room } = talk;
  const dialog = useDialog();
  const rights = rightsIn(about);
  /** The links, if the person may create some: the server decides. */
  const [links, setLinks] = useState<readonly Invitation[] | undefined>(undefined);
  const loadLinks = async () => setLinks((await room.invitations.read()).items);

  useEffect(() => {
    if (about.kind === "private") void loadLinks().catch(() => setLinks(undefined));
  }, [room, about.role]);

  return (
    <dialog ref={dialog} class="confirm details" aria-labelledby="details-title" onClose={close}>
      <header>
        <h2 id="details-title">
          <bdi>{about.label}</bdi>
        </h2>
        <button
          type="button"
          class="plain"
          aria-label={later.details.close}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="note">
        {later.details.kinds[about.kind]}
        {about.archived && ` · ${later.details.archived}`}
      </p>
      {about.topic !== "" && !rights.describe && (
        <p class="topic" dir="auto">
          {about.topic}
        </p>
      )}
      <Preferences about={about} rooms={rooms} />
      {rights.describe && <Describe talk={talk} about={about} />}
      <Members room={room} about={about} {...shared} me={me} adds={links !== undefined && !about.archived} />
      {links && <Invitations room={room} list={links} reload={loadLinks} />}
      {rights.moderate && <Reports room={room} />}
      {rights.moderate && <Banned room={room} />}
      {rights.govern && <Govern talk={talk} about={about} />}
      {rights.leave && about.role !== null && (
        <LeaveRoom about={about} me={me} room={room} leave={(heir) => rooms.leave(about.room, heir)} />
      )}
    </dialog>
  );
}

/** What concerns the person alone. */
function Preferences({ about, rooms }: { readonly about: RoomLine; readonly rooms: Shared["rooms"] }) {
  const { room, pinned, hidden, notify } = about;
  const { busy, problem, run } = useWork();
  if (about.role === null) return null;
  const toggle = (label: string, on: boolean, set: (on: boolean) => Promise<void>) => (
    <button
      type="button"
      aria-pressed={String(on) as "true"}
      disabled={busy}
      onClick={() => void run(() => set(!on))}
    >
      {label}
    </button>
  );
  return (
    <section>
      <p class="alert" role="alert">
        {problem}
      </p>
      <div class="row toggles">
        {toggle(later.details.pin, pinned, (on) => rooms.pin(room, on))}
        {toggle(later.details.hide, hidden, (on) => rooms.hide(room, on))}
      </div>
      <label class="labelled">
        <span>{later.notify.about}</span>
        <select
          value={notify ?? "all"}
          disabled={busy}
          onChange={(event: Event) => {
            const { value } = event.target as HTMLSelectElement;
            void run(() => rooms.notify(room, value as RoomLine["notify"]));
          }}
        >
          {(["all", "mentions", "none"] as const).map((value) => (
            <option key={value} value={value} selected={value === (notify ?? "all")}>
              {later.notify.options[value]}
            </option>
          ))}
        </select>
      </label>
      {notify !== "none" && canNotify() && !isNotifying() && (
        <p class="note">
          {later.notify.here(<a href={hrefOf({ view: "account" })}>{later.notify.account}</a>)}
        </p>
      )}
    </section>
  );
}

/** The server's limits, in characters. */
const MAX = { title: 100, topic: 500 } as const;

function Describe({ talk, about }: { readonly talk: Talk; readonly about: RoomLine }) {
  const { busy, problem, run } = useWork();
  const [saved, setSaved] = useState(false);
  const save = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const [title, topic] = [String(form.get("title")).trim(), String(form.get("topic")).trim()];
    setSaved(false);
    setSaved(
      await run(() =>
        talk.room.update({
          ...(title !== about.title && { title }),
          ...(topic !== about.topic && { topic }),
        }),
      ),
    );
  };
  const field = (name: "title" | "topic", label: string) => (
    <div class="labelled">
      <label for={`room-${name}`}>{label}</label>
      <input
        id={`room-${name}`}
        name={name}
        type="text"
        dir="auto"
        autocomplete="off"
        maxlength={MAX[name]}
        value={about[name]}
      />
    </div>
  );
  return (
    <section>
      <form class="describe" onSubmit={save}>
        {field("title", later.details.title)}
        {field("topic", later.details.topic)}
        <div class="pairing">
          <p class={problem ? "alert" : "note"} role={problem ? "alert" : "status"}>
            {problem || (saved ? later.details.saved : "")}
          </p>
          <button type="submit" disabled={busy}>
            {later.details.save}
          </button>
        </div>
      </form>
    </section>
  );
}

/** What owners decide. */
function Govern({ talk, about }: { readonly talk: Talk; readonly about: RoomLine }) {
  const { busy, problem, run } = useWork();
  const { archived, history, membersAdd, receipts } = about;
  const says = later.details;
  const button = (label: string, settings: RoomSettings, isChosen?: boolean) => (
    <button
      type="button"
      aria-pressed={isChosen === undefined ? undefined : (String(isChosen) as "true")}
      disabled={busy}
      onClick={() => void run(() => talk.room.update(settings))}
    >
      {label}
    </button>
  );
  return (
    <section>
      <h3>{says.rules}</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      <div role="group" aria-label={says.history}>
        <p>{says.history}</p>
        <div class="row toggles">
          {button(says.histories.all, { history: "all" }, history === "all")}
          {button(says.histories.joined, { history: "joined" }, history === "joined")}
        </div>
      </div>
      <div role="group" aria-label={says.adding}>
        <p>{says.adding}</p>
        <div class="row toggles">
          {button(says.byMembers, { membersAdd: true }, membersAdd)}
          {button(says.byModerators, { membersAdd: false }, !membersAdd)}
        </div>
      </div>
      <div role="group" aria-label={says.receipts}>
        <p>{says.receipts}</p>
        <div class="row toggles">
          {button(says.yes, { receipts: true }, receipts)}
          {button(says.no, { receipts: false }, !receipts)}
        </div>
      </div>
      <div class="row">
        {archived ? button(says.restore, { archived: false }) : button(says.archive, { archived: true })}
      </div>
    </section>
  );
}
