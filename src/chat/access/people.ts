import { invalid, Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { PersonStore } from "../ports.ts";

/** Finds the people whom a person names by `<id>`, `@<username>` or `me`. */
export interface People {
  /** Finds one person. @throws {Refusal} not_found, unavailable. */
  get(name: string, asker: Identity): Promise<number>;
  /**
   * Finds the people in a field of some input. Results keep the input order.
   * @throws {Refusal} `invalid` if one of them names nobody; unavailable.
   */
  known(field: string, names: readonly string[], asker: Identity): Promise<readonly number[]>;
  /** Finds the people whom a message mentions, by their names. Those who are not known here are missing. @throws {Refusal} unavailable. */
  mentioned(names: readonly string[], asker: Pick<Identity, "userId">): Promise<ReadonlyMap<string, number>>;
}

export function createPeople(store: PersonStore): People {
  return {
    async get(name, { userId }) {
      const [found] = await store.find([name], userId);
      if (typeof found !== "number") throw new Refusal("not_found");
      return found;
    },
    async known(field, names, { userId }) {
      const found = names.length === 0 ? [] : await store.find(names, userId);
      if (found.includes(null)) throw invalid({ [field]: ["names somebody who is not known here"] });
      return found as readonly number[];
    },
    async mentioned(names, { userId }) {
      const found = names.length === 0 ? [] : await store.find(names, userId);
      return new Map(
        names.flatMap((name, index): [string, number][] => {
          const id = found[index];
          return typeof id === "number" ? [[name, id]] : [];
        }),
      );
    },
  };
}
