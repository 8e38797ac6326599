import * as v from "valibot";
import { text } from "../protocol/text.ts";

const EMAIL =
  /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}@(?:[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{M}][\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}]$/u;

/** The one spelling of an email address: without white space around it, NFC, lower case. */
export const emailOf = (address: string) => address.trim().normalize("NFC").toLowerCase();

/** An email address of at most 254 characters (RFC 5321, section 4.5.3.1.3), in its one spelling. Quoted local parts are refused. */
export const email = v.pipe(
  v.string("must be a string"),
  v.metadata({ format: "idn-email" }),
  v.transform(emailOf),
  text({ min: 1, max: 254 }),
  v.regex(EMAIL, "must be an email address"),
);
