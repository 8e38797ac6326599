/** @jsxImportSource hono/jsx/dom */
import { memo, useState } from "hono/jsx/dom";
import type { Notice } from "../../client/index.ts";
import { sentenceOf } from "./notices.ts";
import type { Me } from "../parts/person.tsx";
import { fullTime } from "../page/time.ts";
import type { Part } from "../words/en.notices.ts";
import { notices as says } from "../words/notices.ts";

/** Of more notices in a row than this, only the newest is shown, until the person opens the others. */
const FEW = 3;
/** The newest of them that are shown then. */
const SHOWN_MAX = 100;

interface NoticesProps {
  readonly notices: readonly Notice[];
  readonly me: Me | undefined;
}

const same = (a: NoticesProps, b: NoticesProps) =>
  a.me === b.me && a.notices.length === b.notices.length && a.notices.at(-1) === b.notices.at(-1);

/** Notices that follow each other. */
export const Notices = memo(({ notices, me }: NoticesProps) => {
  const [open, setOpen] = useState(false);
  const many = notices.length > FEW;
  return (
    <div class="notices">
      {many && (
        <button
          type="button"
          class="link"
          aria-expanded={String(open) as "true"}
          onClick={() => setOpen(!open)}
        >
          {says.earlier(notices.length - 1)}
        </button>
      )}
      {notices.slice(many && !open ? -1 : -SHOWN_MAX).map((notice) => (
        <p key={notice.id}>
          <Sentence parts={sentenceOf(notice, me, fullTime)} />{" "}
          <time class="unseen" datetime={notice.timestamp}>
            {fullTime(notice.timestamp)}
          </time>
        </p>
      ))}
    </div>
  );
}, same);

const Sentence = ({ parts }: { readonly parts: readonly Part[] }) => (
  <span>{parts.map((part) => (typeof part === "string" ? part : <bdi>{part.given}</bdi>))}</span>
);
