/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Member, Room, RoomSummary, User } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { peopleIn, peopleNear } from "../parts/directory.ts";
import { Icon } from "../parts/icon.tsx";
import { More } from "../parts/more.tsx";
import { useLatest } from "../parts/latest.ts";
import { rightsIn } from "./may.ts";
import { type Me, Name } from "../parts/person.tsx";
import { learnPictures } from "../parts/pictures.ts";
import { type Chosen, Picker } from "../parts/picker.tsx";
import { hrefOf } from "../page/place.ts";
import type { Shared } from "../page/shared.ts";
import { fullTime, muteEnd } from "../page/time.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface MembersProps extends Shared {
  readonly room: Room;
  readonly about: RoomSummary;
  readonly me: Me;
  /** Whether the person may add people. */
  readonly adds: boolean;
}

/** The members of a room, and what one may do with them. */
export function Members({ room, about, chat, rooms, me, adds }: MembersProps) {
  const { items: list } = useLatest(room.members);
  const [opened, setOpened] = useState("");
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [near, setNear] = useState<readonly User[]>(() => peopleIn(rooms, me.id));
  const { busy, problem, run } = useWork();
  const says = later.members;
  const blocked = new Set(useLatest(chat.blocks).items.map(({ user }) => user.id));
  const rights = rightsIn(about);

  useEffect(() => {
    if (adds) void peopleNear({ chat, rooms }, me.id).then(setNear);
  }, [room, adds]);

  useEffect(() => learnPictures(list), [list]);

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
      if (role !== "owner") actions.push([says.make.owner, () => room.setRole(id, "owner")]);
      if (role !== "moderator") actions.push([says.make.moderator, () => room.setRole(id, "moderator")]);
      if (role !== "member") actions.push([says.make.member, () => room.setRole(id, "member")]);
    }
    if (about.kind !== "direct") actions.push([says.message, () => message(id)]);
    if (rights.moderate && below) {
      if (muteEnd(mutedUntil, Date.now()) !== undefined) actions.push([says.unmute, () => room.unmute(id)]);
      else {
        actions.push([says.muteForAnHour, () => room.mute(id, { until: inAnHour() })]);
        actions.push([says.mute, () => room.mute(id)]);
      }
      if (about.kind === "private") actions.push([says.remove, () => room.remove(id), true]);
      actions.push([says.ban, () => room.ban(id), true]);
    }
    const on = !blocked.has(id);
    actions.push([on ? says.block : says.unblock, () => (on ? chat.blocks.add(id) : chat.blocks.remove(id))]);
    return actions;
  };
  const message = async (id: string) => {
    location.hash = hrefOf({ view: "room", name: (await chat.direct([id])).name });
  };

  return (
    <section>
      <h3>{says.title}</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      {adds && (
        <form class="add" onSubmit={add}>
          <Picker
            id="add-people"
            label={says.addPeople}
            people={near.filter(({ id }) => !list.some((member) => member.id === id))}
            chosen={chosen}
            choose={setChosen}
          />
          {chosen.length > 0 && (
            <button type="submit" class="main" disabled={busy}>
              {says.add}
            </button>
          )}
        </form>
      )}
      <ul class="members" aria-busy={busy ? "true" : undefined}>
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
                  {id === me.id && `${says.you} · `}
                  {says.roles[role]}
                  {mutedText(mutedUntil)}
                  {blocked.has(id) && ` · ${says.blocked}`}
                </small>
              </p>
              {actions.length > 0 && (
                <button
                  type="button"
                  class="plain"
                  aria-label={says.actionsFor(name ?? username)}
                  aria-expanded={String(isOpen) as "true"}
                  onClick={() => setOpened(isOpen ? "" : id)}
                >
                  <Icon name="more" />
                </button>
              )}
              {isOpen && (
                <div class="row" role="group" aria-label={says.actionsFor(name ?? username)}>
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
      <More list={room.members} />
    </section>
  );
}

const inAnHour = () => new Date(Date.now() + 3600_000).toISOString();

function mutedText(until: Member["mutedUntil"]): string {
  if (muteEnd(until, Date.now()) === undefined) return "";
  return ` · ${until ? later.members.mutedUntil(fullTime(until)) : later.members.muted}`;
}
