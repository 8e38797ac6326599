/** @jsxImportSource hono/jsx/dom */
import { useLayoutEffect, useMemo, useRef, useState } from "hono/jsx/dom";
import type { FoundMessage } from "../../client/index.ts";
import { useDialog } from "../page/layers.ts";
import { hrefOf } from "../page/place.ts";
import { rove } from "../page/roving.ts";
import type { Shared } from "../page/shared.ts";
import { fullTime, shortTime } from "../page/time.ts";
import { peopleIn } from "../parts/directory.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { type Me, nameOf } from "../parts/person.tsx";
import { later } from "../words/later.ts";
import { excerptOf } from "./excerpt.ts";
import { createSearching } from "./searching.ts";
import { type Suggestion, suggestionsFor, taken } from "./suggestions.ts";

interface SearchProps extends Shared {
  readonly me: Me;
  /** The room that is open. */
  readonly here: string | undefined;
  readonly close: () => void;
}

/** The longest query, in characters. */
const QUERY_MAX = 256;

/** The dialog that searches for messages. */
export function Search({ chat, rooms, me, here, close }: SearchProps) {
  const dialog = useDialog();
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const searching = useMemo(() => createSearching(chat), []);
  const { found, state, partial, more, problem } = useLatest(searching);
  const { lines } = useLatest(rooms);
  const [text, setText] = useState("");
  const [inHere, setInHere] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const says = later.search;
  const labelOf = (room: string) => lines.find((line) => line.room === room)?.label ?? room;
  const suggestionsOf = (typed: string) =>
    suggestionsFor(typed, {
      people: [{ id: me.id ?? "", username: me.username }, ...peopleIn(rooms, me.id)],
      rooms: lines,
      today: new Date().toISOString().slice(0, 10),
    });
  const suggestions = suggestionsOf(text);
  const at = Math.min(chosen, suggestions.length - 1);

  useEffect(() => searching.stop, [searching]);
  useEffect(() => (list.current ? rove({ box: list.current, items: ".found" }) : undefined), []);
  // After the dialog has opened: by itself it would focus the button before the field.
  useLayoutEffect(() => field.current?.focus(), []);
  useLayoutEffect(() => {
    document.getElementById(`suggestion-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const show = (next: string, now = false, onlyHere = inHere) => {
    setText(next);
    setChosen(-1);
    if (field.current && field.current.value !== next) field.current.value = next;
    searching.typed(next, onlyHere ? here : undefined, now);
  };
  const take = (suggestion: Suggestion) => {
    show(taken(field.current?.value ?? text, suggestion));
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Safari ends a composition before the key that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    const typed = field.current?.value ?? "";
    // What is in the field may not be drawn yet.
    const offered = typed === text ? suggestions : suggestionsOf(typed);
    if (event.key === "Enter") {
      const suggestion = typed === text ? offered[at] : undefined;
      if (suggestion) take(suggestion);
      else show(typed, true);
    } else if (event.key === "ArrowDown" && at + 1 < offered.length) setChosen(at + 1);
    else if (event.key === "ArrowDown") list.current?.querySelector<HTMLElement>(".found")?.focus();
    else if (event.key === "ArrowUp" && at >= 0) setChosen(at - 1);
    else return;
    event.preventDefault();
  };
  /** From the first result back to the field. */
  const onListKey = (event: KeyboardEvent) => {
    const first = list.current?.querySelector(".found");
    if (event.key !== "ArrowUp" || document.activeElement !== first) return;
    event.preventDefault();
    field.current?.focus();
  };

  const note =
    state === "searching"
      ? says.searching
      : state === "done" && found.length === 0
        ? says.nothing
        : state === "done"
          ? says.found(found.length, more)
          : "";
  return (
    <dialog ref={dialog} class="confirm details searching" aria-labelledby="search-title" onClose={close}>
      <header>
        <h2 id="search-title">{says.title}</h2>
        <button type="button" class="plain" aria-label={says.close} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <div class="search">
        <Icon name="search" />
        <input
          ref={field}
          type="text"
          role="combobox"
          dir="auto"
          aria-label={says.title}
          aria-expanded={String(suggestions.length > 0) as "true"}
          aria-controls="search-suggestions"
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `suggestion-${at}` : undefined}
          placeholder={says.placeholder}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          maxlength={QUERY_MAX}
          onInput={(event: Event) => show((event.target as HTMLInputElement).value)}
          onKeyDown={onKeyDown}
        />
      </div>
      {here !== undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={inHere}
            onChange={() => {
              setInHere(!inHere);
              show(field.current?.value ?? text, true, !inHere);
            }}
          />{" "}
          <span>{says.onlyIn(<bdi>{labelOf(here)}</bdi>)}</span>
        </label>
      )}
      <ul
        id="search-suggestions"
        class="options"
        role="listbox"
        aria-label={says.filters}
        hidden={suggestions.length === 0}
      >
        {suggestions.map((suggestion, index) => (
          <li
            key={suggestion.insert}
            id={`suggestion-${index}`}
            role="option"
            aria-selected={String(index === at) as "true"}
            // The field keeps the focus.
            onPointerDown={(event: Event) => event.preventDefault()}
            onClick={() => take(suggestion)}
          >
            {suggestion.label === undefined ? (
              <>
                <code>{suggestion.filter}</code> <small>{says.filter[suggestion.filter]}</small>
              </>
            ) : (
              <bdi class="name">{suggestion.label}</bdi>
            )}
          </li>
        ))}
      </ul>
      <p class="note" role="status">
        {note}
      </p>
      <p class="alert" role="alert">
        {problem}
      </p>
      {state === "done" && partial && <p class="note">{says.partial}</p>}
      <ul ref={list} class="results" aria-label={says.results} onKeyDown={onListKey}>
        {found.map((one) => (
          <Result
            key={`${one.room} ${one.id}`}
            one={one}
            label={labelOf(one.room)}
            open={() => dialog.current?.close()}
          />
        ))}
      </ul>
      {more && (
        <button type="button" class="plain wide" disabled={state === "searching"} onClick={searching.more}>
          {says.more}
        </button>
      )}
    </dialog>
  );
}

interface ResultProps {
  readonly one: FoundMessage;
  readonly label: string;
  readonly open: () => void;
}

/** A message that was found: who wrote it, where and when, and what stands around the words. Leads to the message. */
function Result({ one, label, open }: ResultProps) {
  const { room, id, timestamp, content, highlights } = one;
  return (
    <li>
      <a class="found" href={hrefOf({ view: "room", name: room, message: id })} onClick={open}>
        <span class="of">
          <bdi class="name">{nameOf(one)}</bdi> <bdi>{label}</bdi>{" "}
          <time datetime={timestamp} title={fullTime(timestamp)}>
            {shortTime(timestamp)}
          </time>
        </span>
        <span class="excerpt" dir="auto">
          {content === ""
            ? later.search.files
            : excerptOf(content, highlights).map(({ text, marked }, index) =>
                marked ? <mark key={index}>{text}</mark> : text,
              )}
        </span>
      </a>
    </li>
  );
}
