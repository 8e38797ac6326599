import { expect, test } from "bun:test";
import { warnIfOpen } from "../../src/cli/open.ts";
import { createLog } from "../../src/log.ts";

/** Returns the events that a server with these settings logs. */
function warned(HOST: string, REGISTRATION?: string, AUTH_JWKS_URL?: string): string[] {
  const events: string[] = [];
  const log = createLog("info", { write: (line) => void events.push(JSON.parse(line).event) });
  warnIfOpen({ HOST, AUTH_JWKS_URL }, { REGISTRATION }, log);
  return events;
}

test("a server that other machines can reach says that anyone can create an account, unless that was decided", () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.7", "chat.example.com", "127.example.com"])
    expect(warned(host)).toEqual(["registration_open"]);
  for (const host of ["127.0.0.1", "127.8.8.8", "localhost", "::1"]) expect(warned(host)).toEqual([]);
  for (const decided of ["open", "invite", "off"]) expect(warned("0.0.0.0", decided)).toEqual([]);
  expect(warned("0.0.0.0", "")).toEqual(["registration_open"]);
});

test("a server that reads its provider's keys without encryption says so, unless they come from the same machine", () => {
  const warnedOf = (url: string) => warned("127.0.0.1", "off", url);
  for (const host of ["id.example.com", "192.0.2.7:8080", "localhost.example.com", "[2001:db8::1]"])
    expect(warnedOf(`http://${host}/keys`)).toEqual(["keyset_exposed"]);
  for (const url of [
    "https://id.example.com/",
    "http://localhost:8080/",
    "http://127.0.0.1/",
    "http://[::1]/",
  ])
    expect(warnedOf(url)).toEqual([]);
});
