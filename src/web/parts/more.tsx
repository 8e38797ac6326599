/** @jsxImportSource hono/jsx/dom */
import type { PagesState } from "../../client/index.ts";
import { useLatest } from "./latest.ts";
import type { Source } from "./source.ts";
import { useWork } from "./work.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/sentences.ts";

interface MoreProps {
  readonly list: Source<PagesState<unknown>> & { load(): Promise<void> };
  /** What an empty list says. */
  readonly none?: string;
}

/** The end of a list that is loaded page by page: it is loading, could not be loaded, is empty, or goes on. */
export function More({ list, none }: MoreProps) {
  const { items, more, error } = useLatest(list);
  const { busy, run } = useWork();
  const says = later.lists;
  const load = () => void run(() => list.load());
  if (error)
    return (
      <div class="pairing" role="alert">
        <p class="alert">{faultText(error)}</p>
        <button type="button" disabled={busy} onClick={load}>
          {says.again}
        </button>
      </div>
    );
  if (items.length === 0) return <p class="note">{more ? says.loading : none}</p>;
  if (!more) return null;
  return (
    <button type="button" class="plain wide" disabled={busy} onClick={load}>
      {says.more}
    </button>
  );
}
