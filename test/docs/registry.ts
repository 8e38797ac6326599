/** The variables that programs may need to reach the npm registry: proxies, certificates, and its address. */
export const REGISTRY: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && /_proxy$|_CA_|CERT|npm_config_(registry|cafile)/i.test(entry[0]),
  ),
);
