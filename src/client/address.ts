/** Returns the NFC spelling of a name, which the server uses. What is cut off belongs to no room's name. */
export const spelled = (name: string) => name.slice(0, 300).normalize();

/** Returns the URL below which the server's paths are. @throws {TypeError} if `url` is not a URL. */
export function baseOf(url: string): URL {
  const base = new URL(url, globalThis.location?.href);
  base.protocol = base.protocol.replace(/^ws/, "http");
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base;
}
