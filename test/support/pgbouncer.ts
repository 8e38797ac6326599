import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { until } from "./until.ts";

/** Starts PgBouncer in front of the server of a database. Returns the database's URL through it. */
export async function startPgBouncer(url: string, mode: "session" | "transaction", connections: number) {
  const folder = mkdtempSync(join(tmpdir(), "parley-pgbouncer-"));
  const { hostname, port, username, password } = new URL(url);
  const own = await freePort();
  const login = `host=${hostname} port=${port || 5432} user=${username}${password && ` password=${password}`}`;
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${connections}
`,
  );
  // It refuses to run as root.
  const user =
    process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  Bun.spawnSync(["chmod", "-R", "a+rX", folder]);
  const child = Bun.spawn([...user, "pgbouncer", "--quiet", join(folder, "pgbouncer.ini")], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const through = new URL(url);
  through.host = `127.0.0.1:${own}`;
  await until(async () => {
    const client = new Bun.SQL(through.href, { max: 1, prepare: false });
    try {
      await client.unsafe("select 1");
      return true;
    } catch {
      return false;
    } finally {
      await client.close({ timeout: 0 });
    }
  });
  return {
    url: through.href,
    async stop() {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
