import { Refusal } from "../../errors.ts";
import type { Pass } from "../pass.ts";
import type { FileForms, FileLookup } from "../ports.ts";

/** How often files are looked up again, because rights in their room change all the time, and when to retry after that. */
const ROUNDS = 5;
const RETRY_MS = 1_000;

interface SeenParts {
  readonly store: FileLookup;
  /** Reads again what a pass allows. @throws {Refusal} if its holder may not read the room any more. */
  reenter(pass: Pass): Promise<Pass>;
}

/**
 * Finds those of some files that a person may see now: a pass that is older than what was read is renewed first.
 * @throws {Refusal} busy, unavailable; forbidden and so on if the person has lost the right to read meanwhile.
 */
export async function seenFiles(
  { store, reenter }: SeenParts,
  pass: Pass,
  ids: readonly string[],
): Promise<readonly FileForms[]> {
  let current = pass;
  for (let round = 0; round < ROUNDS; round++) {
    const { person, room, membership } = current;
    const { fence, files } = await store.visible({ userId: person.userId, room }, membership.from, ids);
    if (fence <= membership.fence) return files;
    current = await reenter(current);
  }
  throw new Refusal("busy", { retryAfterMs: RETRY_MS });
}
