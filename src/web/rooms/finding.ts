import { type Chat, createSubject, type User } from "../../client/index.ts";
import { roomName } from "../../protocol/rooms.ts";
import { peopleNear } from "../parts/directory.ts";
import type { Source } from "../parts/source.ts";
import { hrefOf } from "../page/place.ts";
import { ranked } from "../parts/ranking.ts";
import type { Found, Rooms } from "./rooms.ts";
import { faultText } from "../words/problems.ts";

/** Something that the switcher leads to. */
export type Option =
  | { readonly key: string; readonly does: "open" | "join"; readonly room: Found }
  | { readonly key: string; readonly does: "message"; readonly person: User }
  | { readonly key: string; readonly does: "create"; readonly name: string };

export interface FindingState {
  readonly options: readonly Option[];
  /** The place of the option that Enter takes. */
  readonly at: number;
  /** `late`: Enter was pressed before everything was there, and takes effect then. */
  readonly state: "loading" | "late" | "ready" | "failed";
  /** There are rooms that look like the one to be created. They are the first options. */
  readonly alike: boolean;
  readonly problem: string;
}

/** Finds rooms and people by what is in the field at that moment. */
export interface Finding extends Source<FindingState> {
  /** Begins anew: the lists are read again unless they are recent. */
  start(): void;
  /** The person's rooms have changed. */
  changed(): void;
  /** What is in the field. */
  typed(text: string): void;
  /** Moves the choice by one. */
  move(step: 1 | -1): void;
  /** Takes the chosen option, once everything is there that could come before it. */
  enter(text: string): void;
  take(option: Option): void;
}

/** What the field hands to the list below it, whose code is loaded when it is first shown. */
export interface Control {
  finding?: Finding;
  /** Enter was pressed before the code was there. */
  early: boolean;
}

const SHOWN_MAX = 9;
/** How long lists count as recent, in milliseconds. */
const FRESH_MS = 30_000;

interface FindingOptions {
  readonly chat: Chat;
  readonly rooms: Rooms;
  readonly me: () => string | undefined;
  /** The room that is open. */
  readonly here: () => string | undefined;
  readonly close: () => void;
}

export function createFinding({ chat, rooms, me, here, close }: FindingOptions): Finding {
  let text = "";
  let others: readonly Found[] = [];
  let people: readonly User[] = [];
  let loadedAt = -Infinity;
  let state: FindingState["state"] = "loading";
  let chosen: string | undefined;
  let alike: { readonly name: string; readonly rooms: readonly string[] } = { name: "", rooms: [] };
  let problem = "";
  let busy = false;

  const read = async () => {
    if (Date.now() - loadedAt < FRESH_MS) return void (state = "ready");
    state = "loading";
    const near = peopleNear({ chat, rooms }, me());
    const found = await Promise.all([rooms.others(), near, rooms.loading()]).catch(() => undefined);
    const late = snapshot().state === "late";
    if (found) {
      [others, people] = found;
      loadedAt = Date.now();
    }
    state = found ? "ready" : "failed";
    changed();
    if (late) finding.enter(text);
  };

  const optionsFor = (): readonly Option[] => {
    const own = rooms.recent().map((room): Option => ({ key: room.name, does: "open", room }));
    const asked = text.trim();
    if (asked === "") return own.filter(({ key }) => key !== here()).slice(0, SHOWN_MAX);
    const listed = new Set(own.map(({ key }) => key));
    const talking = new Set(
      rooms
        .recent()
        .flatMap(({ with: [first, ...more] = [] }) => (more.length > 0 || !first ? [] : first.id)),
    );
    const joinable = others.flatMap((room): Option[] =>
      listed.has(room.name) ? [] : [{ key: room.name, does: room.mine ? "open" : "join", room }],
    );
    const near = people.flatMap((person): Option[] =>
      talking.has(person.id) ? [] : [{ key: `@${person.id}`, does: "message", person }],
    );
    const found = ranked(asked, [...own, ...near, ...joinable], namesOf);
    const name = nameOf(asked);
    const known = name === undefined || listed.has(name) || others.some((other) => other.name === name);
    const like = known || alike.name !== name ? [] : alike.rooms;
    const first = like.map((room): Option => {
      const known = [...own, ...joinable].find(({ key }) => key === room);
      return known ?? { key: room, does: "join", room: { name: room, label: room, kind: "open" } };
    });
    const create: Option[] = known || state !== "ready" ? [] : [{ key: "+", does: "create", name }];
    const username = /^@([^\s@]{1,32})$/.exec(asked)?.[1];
    const someone: Option[] =
      username && !people.some((person) => person.username === username)
        ? [{ key: asked, does: "message", person: { id: asked, username } }]
        : [];
    const all = new Map([...first, ...found].map((option) => [option.key, option]));
    return [...[...all.values()].slice(0, SHOWN_MAX), ...someone, ...create];
  };

  const source = createSubject<FindingState>(() => {
    const options = optionsFor();
    const at = Math.max(
      0,
      options.findIndex(({ key }) => key === chosen),
    );
    return { options, at, state, alike: alike.name !== "" && alike.name === nameOf(text.trim()), problem };
  });
  const { snapshot, subscribe, changed } = source;

  const open = (name: string) => {
    close();
    location.hash = hrefOf({ view: "room", name });
  };
  /** Creates a room, unless there are rooms that look like it: those are offered first. */
  const create = async (name: string) => {
    if (alike.name !== name) {
      const similar = await rooms.alike(name);
      if (nameOf(text.trim()) !== name) return;
      if (similar.length > 0 && !similar.includes(name)) {
        alike = { name, rooms: similar };
        chosen = undefined;
        return;
      }
    }
    open(name);
  };
  const take = async (option: Option) => {
    if (busy) return;
    if ("room" in option) return open(option.room.name);
    busy = true;
    problem = "";
    try {
      if (option.does === "create") await create(option.name);
      else open((await chat.direct([option.person.id])).name);
    } catch (error) {
      problem = faultText(error);
    }
    busy = false;
    changed();
  };

  const finding: Finding = {
    snapshot,
    subscribe,
    changed,
    start() {
      text = problem = "";
      chosen = undefined;
      alike = { name: "", rooms: [] };
      void read();
      changed();
    },
    typed(next) {
      if (next === text) return;
      text = next;
      chosen = undefined;
      problem = "";
      if (state === "late") state = "loading";
      changed();
    },
    move(step) {
      const { options, at } = snapshot();
      chosen = options[(at + step + options.length) % options.length]?.key;
      changed();
    },
    enter(next) {
      finding.typed(next);
      const { options, at } = snapshot();
      const option = options[at];
      const isWhole = option && namesOf(option).some((name) => name === text.trim());
      if (state === "loading" && chosen === undefined && text.trim() !== "" && !isWhole) {
        state = "late";
        return changed();
      }
      if (option) void take(option);
    },
    take: (option) => void take(option),
  };
  return finding;
}

/** Returns the name of the room that a text would create; undefined if the server would refuse it. Names that begin with ~ are its own. */
const nameOf = (text: string): string | undefined => {
  const name = text.startsWith("~") ? null : roomName(text.replace(/\s+/g, "-"));
  return name ?? undefined;
};

const namesOf = (option: Option): readonly string[] => {
  if (option.does === "message") return [option.person.name ?? "", option.person.username];
  if (option.does === "create") return [option.name];
  const { label, name, with: people = [] } = option.room;
  return [label, name, ...people.map(({ username }) => username)];
};
