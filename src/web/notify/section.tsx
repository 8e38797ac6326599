/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Chat } from "../../client/index.ts";
import type { PageStorage } from "../page/storage.ts";
import { useLatest } from "../parts/latest.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/problems.ts";
import { keepHours, loadHours, pushStatus } from "./push.ts";
import { canNotify, isAllowed, isDenied, notifyChoice } from "./settings.ts";

/** The part of the account about notifications on this device. */
export function Notifications({ chat, storage }: { readonly chat: Chat; readonly storage: PageStorage }) {
  const choice = notifyChoice(storage);
  const { on, from, to } = useLatest(choice);
  const push = useLatest(pushStatus);
  const [problem, setProblem] = useState("");
  const [asking, setAsking] = useState(false);
  const { notify } = later;
  useEffect(() => {
    if (push === "on") void loadHours(chat, choice).catch(() => {});
  }, [push]);
  if (!canNotify()) return <p class="note">{notify.impossible}</p>;
  const isOn = on && isAllowed();
  const toggle = async () => {
    if (isOn) return choice.set({ on: false });
    setAsking(true);
    await choice.turnOn().catch(() => {});
    setAsking(false);
  };
  const time = (which: "from" | "to", value: string, label: string) => (
    <label>
      {label}{" "}
      <input
        type="time"
        required
        value={value}
        onChange={(event: Event) => {
          const input = event.target as HTMLInputElement;
          if (!input.validity.valid) return;
          choice.set({ [which]: input.value });
          if (push === "on")
            keepHours(chat, choice.snapshot()).then(
              () => setProblem(""),
              (error: unknown) => setProblem(faultText(error)),
            );
        }}
      />
    </label>
  );
  return (
    <div class="notify">
      <button
        type="button"
        aria-pressed={String(isOn) as "true"}
        disabled={asking || isDenied()}
        onClick={() => void toggle()}
      >
        {notify.onDevice}
      </button>
      <p class="note" role="status">
        {isDenied() ? notify.denied : notify.when} {isOn && push !== "off" && notify.closed[push]}
      </p>
      {isOn && (
        <fieldset>
          <legend>{notify.quiet}</legend>
          {time("from", from, notify.from)} {time("to", to, notify.to)}
          <p class="note">
            {from === to ? notify.noQuiet : push === "on" ? notify.quietEverywhere : notify.quietAbout}
          </p>
          <p class="alert" role="alert">
            {problem}
          </p>
        </fieldset>
      )}
    </div>
  );
}
