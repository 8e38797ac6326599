import { join } from "node:path";

// Writes src/auth/common-passwords.txt from the list of the package @zxcvbn-ts/language-common, which is not installed:
//   npm pack @zxcvbn-ts/language-common && tar xzf *.tgz && bun scripts/common-passwords.ts package

const [folder = "package"] = process.argv.slice(2);
const read = (name: string) => Bun.file(join(folder, name));
const { name, version } = (await read("package.json").json()) as Record<string, string>;
const licence = (await read("LICENSE.txt").text()).trim().split("\n");
const passwords = ((await read("src/passwords.json").json()) as string[])
  // Shorter ones are refused anyway.
  .filter((password) => password.length >= 8)
  .map((password) => password.normalize("NFC").toLowerCase());

const head = [`The most common passwords, from ${name} ${version}, under this licence:`, ...licence];
await Bun.write(
  join(import.meta.dir, "../src/auth/common-passwords.txt"),
  [...head.map((line) => `# ${line}`.trim()), ...[...new Set(passwords)].sort()].join("\n") + "\n",
);
