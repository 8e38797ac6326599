import { invalid } from "../../errors.ts";
import type { PersonStore } from "../ports.ts";

/** Finds the people whom clients name by `<id>`, `@<username>` or `mailto:<address>`. */
export interface People {
  /** Results keep the input order; null: nobody is called that. @throws {Refusal} unavailable. */
  find(names: readonly string[]): Promise<readonly (number | null)[]>;
  /**
   * Finds the people in the fields of some input, field by field.
   * @throws {Refusal} `invalid` if a field names nobody; unavailable.
   */
  known(fields: Readonly<Record<string, readonly string[]>>): Promise<readonly number[]>;
}

export function createPeople(store: Pick<PersonStore, "find">): People {
  return {
    find: (names) => (names.length === 0 ? Promise.resolve([]) : store.find(names)),
    async known(fields) {
      const named = Object.entries(fields).flatMap(([field, names]) =>
        names.map((name) => [field, name] as const),
      );
      const found = await store.find(named.map(([, name]) => name));
      const strangers = new Set(named.filter((_, index) => found[index] === null).map(([field]) => field));
      if (strangers.size > 0)
        throw invalid(
          Object.fromEntries(
            [...strangers].map((field) => [field, ["names somebody who is not known here"]]),
          ),
        );
      return found as readonly number[];
    },
  };
}
