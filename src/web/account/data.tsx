/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Account, Chat } from "../../client/index.ts";
import { Deletion } from "./deletion.tsx";
import { downloadMessages, save } from "./takeout.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface DataProps {
  readonly chat: Chat;
  readonly person: Account;
}

/** What becomes of what the person wrote: taking it along, and deleting the account. */
export function Data({ chat, person }: DataProps) {
  const [count, setCount] = useState<number | undefined>(undefined);
  const [done, setDone] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const stop = useRef<AbortController | undefined>(undefined);
  const { busy, problem, run } = useWork();
  const says = later.account;
  useEffect(() => () => stop.current?.abort(), []);

  const download = async () => {
    const control = (stop.current = new AbortController());
    setDone(false);
    setCount(0);
    const ok = await run(async () => {
      const file = await downloadMessages(chat, setCount, control.signal);
      save(file, `parley-${person.username}-${new Date().toISOString().slice(0, 10)}.jsonl`);
    });
    setDone(ok);
  };
  return (
    <>
      <section>
        <h2>{says.yourMessages}</h2>
        <p class="note">{says.downloadAbout}</p>
        <button type="button" disabled={busy} onClick={() => void download()}>
          {says.download}
        </button>
        <p class="note" role="status">
          {busy ? says.downloading(count ?? 0) : done ? says.downloaded(count ?? 0) : ""}
        </p>
        <p class="alert" role="alert">
          {problem}
        </p>
      </section>
      <section>
        <h2>{says.deleteTitle}</h2>
        <p class="note">{says.deleteAbout}</p>
        <button type="button" class="alert" onClick={() => setDeleting(true)}>
          {says.deleteAsk}
        </button>
        {deleting && <Deletion chat={chat} person={person} close={() => setDeleting(false)} />}
      </section>
    </>
  );
}
