import * as v from "valibot";
import { text } from "../protocol/text.ts";

const EMAIL =
  /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}@(?:[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{M}][\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}]$/u;

/** The longest address (RFC 5321, section 4.5.3.1.3). */
const bounded = text({ min: 1, max: 254 });

/** Returns the canonical form of an email address of bounded length: trimmed, NFC, lower case. */
export const emailOf = (address: string) => address.trim().normalize("NFC").toLowerCase();

/** Parses an email address into its canonical form. Rejects quoted local parts and more than 254 characters. */
export const email = v.pipe(
  bounded,
  v.metadata({ format: "idn-email" }),
  v.transform(emailOf),
  bounded,
  v.regex(EMAIL, "must be an email address"),
);
