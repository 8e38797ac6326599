/** @jsxImportSource hono/jsx/dom */
import { useEffect, useLayoutEffect, useRef, useState } from "hono/jsx/dom";
import type { Invitation, RoomSettings } from "../client/index.ts";
import { Banned } from "./banned.tsx";
import { Icon } from "./icon.tsx";
import { Invitations } from "./invitations.tsx";
import { LeaveRoom } from "./leave.tsx";
import { rightsIn } from "./may.ts";
import { Members } from "./members.tsx";
import type { Me } from "./person.tsx";
import { Reports } from "./reports.tsx";
import type { RoomLine } from "./rooms.ts";
import type { Shared } from "./shared.ts";
import type { Talk } from "./talk.ts";
import { useWork } from "./work.ts";
import { KINDS, NOTIFY } from "./words.ts";

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
  const dialog = useRef<HTMLDialogElement>(null);
  const rights = rightsIn(about);
  /** The links, if the person may create some: the server decides. */
  const [links, setLinks] = useState<readonly Invitation[] | undefined>(undefined);
  const loadLinks = async () => setLinks((await room.invitations.read()).items);

  useLayoutEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
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
          aria-label="Close the details"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="note">
        {KINDS[about.kind]}
        {about.archived && " · Archived"}
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
        {toggle("Pin to the top", pinned, (on) => rooms.pin(room, on))}
        {toggle("Hide until there is a new message", hidden, (on) => rooms.hide(room, on))}
      </div>
      <label class="labelled">
        <span>Notify me about</span>
        <select
          value={notify ?? ""}
          disabled={busy}
          onChange={(event: Event) => {
            const { value } = event.target as HTMLSelectElement;
            void run(() => rooms.notify(room, (value || null) as RoomLine["notify"]));
          }}
        >
          {Object.entries(NOTIFY).map(([value, label]) => (
            <option key={value} value={value} selected={value === (notify ?? "")}>
              {label}
            </option>
          ))}
        </select>
      </label>
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
        {field("title", "Title")}
        {field("topic", "Topic")}
        <div class="pairing">
          <p class={problem ? "alert" : "note"} role={problem ? "alert" : "status"}>
            {problem || (saved ? "Saved." : "")}
          </p>
          <button type="submit" disabled={busy}>
            Save
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
      <h3>Rules of the room</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      <div role="group" aria-label="New members see">
        <p>New members see</p>
        <div class="row toggles">
          {button("all messages", { history: "all" }, history === "all")}
          {button("only later messages", { history: "joined" }, history === "joined")}
        </div>
      </div>
      <div role="group" aria-label="People are added by">
        <p>People are added by</p>
        <div class="row toggles">
          {button("every member", { membersAdd: true }, membersAdd)}
          {button("moderators", { membersAdd: false }, !membersAdd)}
        </div>
      </div>
      <div role="group" aria-label="Members see who has read a message">
        <p>Members see who has read a message</p>
        <div class="row toggles">
          {button("yes", { receipts: true }, receipts)}
          {button("no", { receipts: false }, !receipts)}
        </div>
      </div>
      <div class="row">
        {archived
          ? button("Restore the room", { archived: false })
          : button("Archive the room", { archived: true })}
      </div>
    </section>
  );
}
