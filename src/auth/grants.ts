import * as v from "valibot";
import type { RoomGrant } from "../identity.ts";
import { text } from "../protocol/text.ts";

const GRANTS = v.pipe(
  v.array(
    // Strict: a field that is not known here may have been meant to narrow what the others allow.
    v.strictObject({
      match: v.pipe(
        text({ min: 1, max: 256 }),
        v.transform((pattern) => pattern.normalize("NFC")), // as rooms are spelled
      ),
      allow: v.array(v.picklist(["read", "post"])),
    }),
  ),
  v.maxLength(100),
);

/**
 * The `rooms` claim of a token; null where there is none.
 * @throws where it is not exactly of its form: a claim that is misread must not let anyone in.
 */
export const grantsOf = (claim: unknown): readonly RoomGrant[] | null =>
  claim === undefined ? null : v.parse(GRANTS, claim);
