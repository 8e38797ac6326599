import { ChatError } from "../../client/index.ts";
import { later } from "./later.ts";

/** What the server says about a field, and the sentence for it. A number is the first group. */
const FAULTS: readonly (readonly [RegExp, keyof typeof later.faults])[] = [
  [/^(?:is required|must not be blank)$/, "required"],
  [/^must have at most (\d+) characters$/, "tooLong"],
  [/^must have at least (\d+) characters$/, "tooShort"],
  [/^must name at most (\d+) people$/, "tooMany"],
  [/^is taken$/, "taken"],
  [/^must be an email address$/, "email"],
  [/^must be 1 to 64 letters/, "roomName"],
  [/^must be 1 to 32 letters/, "username"],
  [/^is easy to guess/, "common"],
  [/^must not be your email/, "personal"],
  [/^is not the current/, "notCurrent"],
  [/^names somebody/, "nobody"],
  [/^must not contain invisible/, "invisible"],
];

/** What is wrong with a field, as a sentence. */
export function fieldProblem(field: string, fault: string): string {
  const name = later.fields[field] ?? `“${field}”`;
  for (const [pattern, key] of FAULTS) {
    const [found, count] = pattern.exec(fault) ?? [];
    if (found !== undefined)
      return (later.faults[key] as (field: string, count: number) => string)(name, Number(count));
  }
  return later.faults.other(name, fault);
}

/** What went wrong, as sentences. What is wrong with a field says more than the general message. */
export function faultText(error: unknown): string {
  if (!(error instanceof ChatError)) return later.errors.internal ?? "";
  const faults = faultsOf(error);
  if (faults.length > 0) return faults.map(([field, fault]) => fieldProblem(field, fault)).join(" ");
  const { code, retryAfterMs } = error;
  if (code === "rate_limited" && retryAfterMs) return later.wait(Math.ceil(retryAfterMs / 1000));
  // The reason is the operator's own.
  if (code === "message_refused" && error.message !== "") return error.message;
  // A newer server can have other codes.
  return later.errors[code] ?? error.message;
}

function faultsOf({ code, errors, message }: ChatError): [field: string, fault: string][] {
  if (code !== "invalid") return [];
  if (errors) return Object.entries(errors).flatMap(([field, [fault]]) => (fault ? [[field, fault]] : []));
  // On a socket, the fields are only in the message: "content must have at most 4000 characters; …".
  const faults = message.split("; ").map((fault) => /^(\w+) ((?:must|is|names|has) .+)$/.exec(fault));
  return faults.flatMap((found) => (found?.[1] && found[2] ? [[found[1], found[2]]] : []));
}
