/** @jsxImportSource hono/jsx/dom */
import type { Person } from "../../client/index.ts";

/** Someone as others see them. */
export interface Someone {
  readonly username: string;
  readonly user?: Person | undefined;
}

/** The signed-in person. Without an id until the server has said it. */
export interface Me {
  readonly id: string | undefined;
  readonly username: string;
  readonly name?: string | undefined;
}

export const nameOf = ({ username, user }: Someone): string => user?.name ?? username;

export const asSomeone = ({ id = "", username, name }: Me): Someone => ({ username, user: { id, name } });

/** Whether a message is the person's own. */
export const isBy = (me: Me | undefined, { username, user }: Someone): boolean =>
  me !== undefined && (me.id === undefined || !user ? username === me.username : user.id === me.id);

/** What someone is called. Names are not unique, so the username is in the tooltip. */
export function Name({ of }: { readonly of: Someone }) {
  const name = nameOf(of);
  return (
    <bdi class="name" title={name === of.username ? undefined : `@${of.username}`}>
      {name}
    </bdi>
  );
}
