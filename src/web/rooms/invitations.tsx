/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { Invitation, Room } from "../../client/index.ts";
import { Icon } from "../parts/icon.tsx";
import { joinLink } from "./invited.ts";
import { fullTime } from "../page/time.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

/** How long a link can work, in days. */
const LIFETIMES = [1, 7, 30];

interface InvitationsProps {
  readonly room: Room;
  readonly list: readonly Invitation[];
  readonly reload: () => Promise<void>;
}

/** The links with which people add themselves to a room. */
export function Invitations({ room, list, reload }: InvitationsProps) {
  const field = useRef<HTMLInputElement>(null);
  const [link, setLink] = useState("");
  const [copied, setCopied] = useState("");
  const { busy, problem, run } = useWork();
  const says = later.invitations;

  const create = (event: Event) => {
    event.preventDefault();
    const lifetime = Number(new FormData(event.target as HTMLFormElement).get("lifetime"));
    void run(async () => {
      const { token } = await room.invite({ expiresIn: lifetime });
      setCopied("");
      setLink(new URL(joinLink(token), location.href).href);
      await reload();
    });
  };
  const copy = async () => {
    field.current?.select();
    // Without the permission, the selected text can be copied by hand.
    await navigator.clipboard?.writeText(link).then(
      () => setCopied(says.copied),
      () => setCopied(says.copyByHand),
    );
  };

  return (
    <section>
      <h3>{says.title}</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      {link !== "" && (
        <div class="labelled made">
          <label for="made-link">{says.made}</label>
          <div class="pairing">
            <input ref={field} id="made-link" type="text" readonly value={link} />
            <button type="button" onClick={() => void copy()}>
              {says.copy}
            </button>
          </div>
          <small role="status">{copied}</small>
        </div>
      )}
      <ul class="members">
        {list.map(({ id, by, expiresAt, uses }) => (
          <li key={id}>
            <p>
              <span>{says.until(<time datetime={expiresAt}>{fullTime(expiresAt)}</time>)}</span>
              <small>{says.used(<bdi>{by.name ?? by.username}</bdi>, uses)}</small>
            </p>
            <button
              type="button"
              class="plain alert"
              aria-label={says.revoke(fullTime(expiresAt))}
              disabled={busy}
              onClick={() => void run(() => room.revoke(id).then(reload))}
            >
              <Icon name="remove" />
            </button>
          </li>
        ))}
      </ul>
      <form class="pairing" onSubmit={create}>
        <select name="lifetime" aria-label={says.lifetime}>
          {LIFETIMES.map((days) => (
            <option key={days} value={days * 24 * 3600}>
              {says.days(days)}
            </option>
          ))}
        </select>
        <button type="submit" disabled={busy}>
          {says.create}
        </button>
      </form>
    </section>
  );
}
