import { ChatError } from "./errors.ts";

/** Returns the NFC spelling of a name, which the server uses. What is cut off belongs to no room's name. */
export const spelled = (name: string) => name.slice(0, 300).normalize();

/** Where the server is. */
export interface Address {
  readonly base: URL;
  /** Why there can be no connection: the address is relative, and there is no page that it could be relative to. */
  readonly error: ChatError | undefined;
}

/** Returns the address below which the server's paths are. @throws {ChatError} `invalid` if `url` is not a URL. */
export function addressOf(url: string): Address {
  const parsed = (from: string | undefined) => {
    try {
      return new URL(url, from);
    } catch {
      return undefined;
    }
  };
  const whole = parsed(globalThis.location?.href);
  const base = whole ?? parsed("http://relative.invalid");
  if (!base) throw new ChatError("invalid", `"${url}" is not a URL.`);
  base.protocol = base.protocol.replace(/^ws/, "http");
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const error = whole
    ? undefined
    : new ChatError("invalid", `The relative url "${url}" works only in a browser.`);
  return { base, error };
}
