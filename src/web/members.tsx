/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Member, Room, RoomSummary, User } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { peopleIn, peopleNear } from "./directory.ts";
import { Icon } from "./icon.tsx";
import { useLatest } from "./latest.ts";
import { rightsIn } from "./may.ts";
import { type Me, Name } from "./person.tsx";
import { type Chosen, Picker } from "./picker.tsx";
import { hrefOf } from "./place.ts";
import type { Shared } from "./shared.ts";
import { fullTime, muteEnd } from "./time.ts";
import { useWork } from "./work.ts";
import { faultText, ROLES } from "./words.ts";

interface MembersProps extends Shared {
  readonly room: Room;
  readonly about: RoomSummary;
  readonly me: Me;
  /** Whether the person may add people. */
  readonly adds: boolean;
}

/** The members of a room, and what one may do with them. */
export function Members({ room, about, chat, rooms, me, adds }: MembersProps) {
  const { items: list, more, error } = useLatest(room.members);
  const [opened, setOpened] = useState("");
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [near, setNear] = useState<readonly User[]>(() => peopleIn(rooms, me.id));
  const { busy, problem, run } = useWork();
  const blocked = new Set(useLatest(chat.blocks).items.map(({ user }) => user.id));
  const rights = rightsIn(about);

  useEffect(() => {
    if (adds) void peopleNear({ chat, rooms }, me.id).then(setNear);
  }, [room, adds]);

  const act = (work: () => Promise<unknown>) => () =>
    void run(async () => {
      await work();
      setOpened("");
    });
  const add = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      for (const one of chosen) {
        await room.add(one.ref);
        setChosen((left) => left.filter((other) => other !== one));
      }
    });
  };

  const actionsFor = ({ id, role, mutedUntil }: Member) => {
    const actions: [label: string, work: () => Promise<unknown>, alert?: true][] = [];
    if (id === me.id) return actions;
    const below = about.role === "owner" || role === "member";
    if (rights.govern) {
      if (role !== "owner") actions.push(["Make owner", () => room.setRole(id, "owner")]);
      if (role !== "moderator") actions.push(["Make moderator", () => room.setRole(id, "moderator")]);
      if (role !== "member") actions.push(["Make member", () => room.setRole(id, "member")]);
    }
    if (about.kind !== "direct") actions.push(["Message", () => message(id)]);
    if (rights.moderate && below) {
      if (muteEnd(mutedUntil, Date.now()) !== undefined) actions.push(["Unmute", () => room.unmute(id)]);
      else {
        actions.push(["Mute for an hour", () => room.mute(id, { until: inAnHour() })]);
        actions.push(["Mute", () => room.mute(id)]);
      }
      if (about.kind === "private") actions.push(["Remove", () => room.remove(id), true]);
      actions.push(["Ban", () => room.ban(id), true]);
    }
    const on = !blocked.has(id);
    actions.push([on ? "Block" : "Unblock", () => (on ? chat.blocks.add(id) : chat.blocks.remove(id))]);
    return actions;
  };
  const message = async (id: string) => {
    location.hash = hrefOf({ view: "room", name: (await chat.direct([id])).name });
  };

  return (
    <section>
      <h3>Members</h3>
      <p class="alert" role="alert">
        {problem || (error && faultText(error))}
      </p>
      {adds && (
        <form class="add" onSubmit={add}>
          <Picker
            id="add-people"
            label="Add people"
            people={near.filter(({ id }) => !list.some((member) => member.id === id))}
            chosen={chosen}
            choose={setChosen}
          />
          {chosen.length > 0 && (
            <button type="submit" class="main" disabled={busy}>
              Add
            </button>
          )}
        </form>
      )}
      <ul class="members" aria-busy={busy || (more && list.length === 0 && !error) ? "true" : undefined}>
        {list.map((member) => {
          const { id, username, name, role, mutedUntil } = member;
          const someone = { username, user: { id, name } };
          const actions = actionsFor(member);
          const isOpen = opened === id;
          return (
            <li key={id}>
              <Avatar of={someone} />
              <p>
                <Name of={someone} />
                <small>
                  {name !== undefined && `@${username} · `}
                  {id === me.id && "You · "}
                  {ROLES[role]}
                  {mutedText(mutedUntil)}
                  {blocked.has(id) && " · Blocked"}
                </small>
              </p>
              {actions.length > 0 && (
                <button
                  type="button"
                  class="plain"
                  aria-label={`Actions for ${name ?? username}`}
                  aria-expanded={String(isOpen) as "true"}
                  onClick={() => setOpened(isOpen ? "" : id)}
                >
                  <Icon name="more" />
                </button>
              )}
              {isOpen && (
                <div class="row" role="group" aria-label={`Actions for ${name ?? username}`}>
                  {actions.map(([label, work, alert]) => (
                    <button
                      key={label}
                      type="button"
                      class={alert ? "alert" : undefined}
                      disabled={busy}
                      onClick={act(work)}
                    >
                      {label}
                    </button>
                  ))}
                </div>
              )}
            </li>
          );
        })}
      </ul>
      {more && list.length > 0 && (
        <button
          type="button"
          class="plain wide"
          disabled={busy}
          onClick={() => void run(() => room.members.load())}
        >
          Show more members
        </button>
      )}
    </section>
  );
}

const inAnHour = () => new Date(Date.now() + 3600_000).toISOString();

const mutedText = (until: Member["mutedUntil"]) =>
  muteEnd(until, Date.now()) !== undefined && (until ? ` · Muted until ${fullTime(until)}` : " · Muted");
