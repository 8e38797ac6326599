import { createSubject, type User } from "../../client/index.ts";

/** The origins whose pictures the server lets the page show. */
const origins = new Set(document.documentElement.dataset.pictures?.split(" ").filter(Boolean));
/** Whether the page shows pictures at all. */
export const hasPictures = origins.size > 0;

const known = new Map<string, string>();
const subject = createSubject(() => new Map(known));

/** The addresses of people's pictures, by their ids. Lists of people have them; messages do not. */
export const pictures = subject;

/** Takes in what a list says about people. */
export function learnPictures(people: readonly Pick<User, "id" | "picture">[]): void {
  if (!hasPictures) return;
  let changed = false;
  for (const { id, picture } of people) {
    const address =
      picture !== undefined && origins.has(URL.parse(picture)?.origin ?? "") ? picture : undefined;
    if (known.get(id) === address) continue;
    changed = true;
    if (address === undefined) known.delete(id);
    else known.set(id, address);
  }
  if (changed) subject.changed();
}
