import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { run } from "../support/run.ts";

const PROGRAM = `
  import { createOutbound } from ${JSON.stringify(join(import.meta.dir, "../../src/outbound/outbound.ts"))};
  import { systemClock } from ${JSON.stringify(join(import.meta.dir, "../../src/clock.ts"))};
  const tls = { key: Bun.file("key.pem"), cert: Bun.file("cert.pem") };
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls, fetch: () => new Response("ok") });
  const { send } = createOutbound({ clock: systemClock, allow: ["127.0.0.1"], resolve: async () => ["127.0.0.1"] });
  for (const name of ["hooks.example", "other.example", "127.0.0.1"])
    console.log(name, await send({ url: \`https://\${name}:\${server.port}/\` }).then(({ status }) => status, ({ fault }) => fault));
  process.exit();`;

test("the certificate is checked against the name, and its issuer must be trusted", async () => {
  const { path } = temporaryFolder();
  await Bun.write(join(path, "program.ts"), PROGRAM);
  const made = await run(
    [
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=hooks.example"],
      ...["-addext", "subjectAltName=DNS:hooks.example"],
    ],
    { cwd: path },
  );
  expect(made.code).toBe(0);
  const call = async (env: Record<string, string>) =>
    (await run([process.execPath, "program.ts"], { cwd: path, env })).stdout;
  expect(await call({ NODE_EXTRA_CA_CERTS: join(path, "cert.pem") })).toBe(
    "hooks.example 200\nother.example untrusted\n127.0.0.1 untrusted\n",
  );
  expect(await call({})).toBe("hooks.example untrusted\nother.example untrusted\n127.0.0.1 untrusted\n");
});
