/** @jsxImportSource hono/jsx/dom */
import { useMemo, useRef, useState } from "hono/jsx/dom";
import type { Control } from "./finding.ts";
import { Icon } from "../parts/icon.tsx";
import { useLayer } from "../page/layers.ts";
import { lazy } from "../parts/lazy.tsx";
import type { Me } from "../parts/person.tsx";
import type { Shared } from "../page/shared.ts";
import dialogs from "../style/dialogs.css" with { type: "file" };
import switcher from "../style/switcher.css" with { type: "file" };
import { words } from "../words/language.ts";

const Options = lazy(() => import("./options.tsx").then(({ Options }) => Options), dialogs, switcher);

interface SwitcherProps extends Shared {
  readonly me: Me;
  /** The room that is open. */
  readonly here: string | undefined;
}

/**
 * Opens the switcher, or closes it. Its field has the focus when this returns, so the next keys go there, however long the
 * rest takes to be drawn.
 */
export function toggleSwitcher(): void {
  const dialog = document.querySelector<HTMLDialogElement>("dialog.switcher");
  if (dialog?.open) dialog.close();
  else if (!document.querySelector("dialog[open]")) dialog?.showModal();
}

/** The dialog that finds rooms and people, or creates a room. */
export function Switcher({ here, ...shared }: SwitcherProps) {
  const [open, setOpen] = useState(false);
  const dialog = useLayer<HTMLDialogElement>(open, () => dialog.current?.close());
  const field = useRef<HTMLInputElement>(null);
  const control = useMemo((): Control => ({ early: false }), []);
  const used = useRef(false);
  used.current ||= open;
  const text = () => field.current?.value ?? "";

  const onInput = () => {
    control.early = false;
    control.finding?.typed(text());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Safari ends a composition before it reports the key that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] as 1 | -1 | undefined;
    if (step) control.finding?.move(step);
    else if (event.key !== "Enter") return;
    else if (control.finding) control.finding.enter(text());
    else control.early = true;
    event.preventDefault();
  };
  const onFocus = () => {
    if (open) return;
    setOpen(true);
    control.finding?.start();
  };
  const onClose = () => {
    setOpen(false);
    if (field.current) field.current.value = "";
    control.early = false;
    control.finding?.typed("");
  };

  return (
    <div>
      <dialog ref={dialog} class="confirm switcher" aria-label={words.rooms.find} onClose={onClose}>
        <div class="search">
          <Icon name="search" />
          <input
            ref={field}
            type="text"
            role="combobox"
            dir="auto"
            aria-label={words.rooms.find}
            aria-expanded="true"
            aria-controls="switcher-options"
            aria-autocomplete="list"
            placeholder={words.rooms.find}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            maxlength={100}
            onFocus={onFocus}
            onInput={onInput}
            onKeyDown={onKeyDown}
          />
        </div>
        {used.current && <Options {...shared} here={here} control={control} field={field} dialog={dialog} />}
      </dialog>
    </div>
  );
}
