/** @jsxImportSource hono/jsx/dom */
import { type RefObject, useLayoutEffect, useMemo, useRef } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { Avatar } from "../parts/avatar.tsx";
import { type Control, createFinding, type Option } from "./finding.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { type Me, nameOf } from "../parts/person.tsx";
import type { Shared } from "../page/shared.ts";
import { later } from "../words/later.ts";

interface OptionsProps extends Shared {
  readonly me: Me;
  readonly here: string | undefined;
  readonly control: Control;
  readonly field: RefObject<HTMLInputElement | null>;
  readonly dialog: RefObject<HTMLDialogElement | null>;
}

/** What the switcher has found. */
export function Options({ chat, rooms, me, here, control, field, dialog }: OptionsProps) {
  const current = useRef({ me, here });
  current.current = { me, here };
  const finding = useMemo(
    () =>
      createFinding({
        chat,
        rooms,
        me: () => current.current?.me.id,
        here: () => current.current?.here,
        close: () => dialog.current?.close(),
      }),
    [],
  );
  const { options, at, state, alike, problem } = useLatest(finding);
  const says = later.rooms;

  useEffect(() => rooms.subscribe(finding.changed), [finding]);
  useLayoutEffect(() => {
    control.finding = finding;
    finding.start();
    finding.typed(field.current?.value ?? "");
    if (control.early) finding.enter(field.current?.value ?? "");
  }, [finding]);
  useLayoutEffect(() => {
    if (options.length > 0) field.current?.setAttribute("aria-activedescendant", `option-${at}`);
    else field.current?.removeAttribute("aria-activedescendant");
    document.getElementById(`option-${at}`)?.scrollIntoView({ block: "nearest" });
  });

  const note = problem
    ? ""
    : state === "late"
      ? says.lookingFor
      : state === "failed"
        ? says.othersNotLoaded
        : alike
          ? says.alike
          : options.length > 0
            ? ""
            : state === "loading"
              ? says.looking
              : says.nothingFound;
  return (
    <>
      <p class="note" role="status">
        {note}
      </p>
      <p class="alert" role="alert">
        {problem}
      </p>
      <ul id="switcher-options" class="options" role="listbox" aria-label={says.found}>
        {options.map((option, index) => (
          <li
            key={option.key}
            id={`option-${index}`}
            role="option"
            aria-selected={String(index === at) as "true"}
            onPointerDown={(event: Event) => event.preventDefault()}
            onClick={() => finding.take(option)}
          >
            <Shown option={option} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** The icon, the name and the kind of an option. */
function Shown({ option }: { readonly option: Option }) {
  const says = later.rooms;
  if (option.does === "message") {
    const { id, username, name } = option.person;
    const someone = { username, user: { id, name } };
    return (
      <>
        <Avatar of={someone} /> <bdi class="name">{nameOf(someone)}</bdi> <small>{says.message}</small>
      </>
    );
  }
  if (option.does === "create")
    return (
      <>
        <Icon name="plus" /> <bdi class="name">{option.name}</bdi> <small>{says.create}</small>
      </>
    );
  const { label, kind, with: [other] = [] } = option.room;
  return (
    <>
      {other ? (
        <Avatar of={{ username: other.username, user: other }} />
      ) : (
        <Icon name={kind === "open" ? "hash" : "lock"} />
      )}{" "}
      <bdi class="name">{label}</bdi>
      {option.does === "join" && <small>{says.join}</small>}
    </>
  );
}
