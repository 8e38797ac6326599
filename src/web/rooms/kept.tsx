/** @jsxImportSource hono/jsx/dom */
import type { Child } from "hono/jsx";
import type { Message } from "../../client/index.ts";
import { fullTime } from "../page/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Name } from "../parts/person.tsx";
import { Text } from "../text/text.tsx";
import { later } from "../words/later.ts";

interface KeptMessageProps {
  readonly message: Pick<Message, "username" | "user" | "content" | "timestamp">;
  /** Where the message is. */
  readonly href: string;
  /** The person goes there. */
  readonly open?: () => void;
  readonly about: Child;
  /** What can be done with it. */
  readonly children?: Child;
}

/** A message in a list beside its conversation, with a link that leads to it. */
export const KeptMessage = ({ message, href, open, about, children }: KeptMessageProps) => (
  <li>
    <Avatar of={message} />
    <div>
      <p>
        <Name of={message} />{" "}
        <small>
          <time datetime={message.timestamp}>{fullTime(message.timestamp)}</time>
        </small>
      </p>
      <Text content={message.content} />
      <small>{about}</small>
      <p class="row">
        <a href={href} onClick={open}>
          {later.keeping.goTo}
        </a>
        {children}
      </p>
    </div>
  </li>
);
