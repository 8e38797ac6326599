import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../support/port.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { blocksOf } from "./transcripts.ts";

setDefaultTimeout(2 * START_MS);

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/DEPLOYMENT.md")).text();
const blockOf = (kind: string) =>
  blocksOf(page)
    .filter((block) => block.kind === kind)
    .map(({ lines }) => lines.join("\n"))
    .join("\n");

/** A proxy from the page in front of a server, in its own folder. */
interface Front {
  readonly url: string;
  /** Returns everything that it has logged. */
  logs(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a proxy with the page's configuration. Only addresses, paths and the certificate are replaced. */
async function startFront(name: "nginx" | "caddy", server: TestServer): Promise<Front> {
  const folder = temporaryFolder();
  const at = (file: string) => join(folder.path, file);
  await mkdir(folder.path, { recursive: true });
  const port = await freePort();
  const forward = (config: string) => config.replace("127.0.0.1:3000", `127.0.0.1:${server.port}`);
  let command: string[];
  if (name === "nginx") {
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=chat.example.com -keyout ${at("key")} -out ${at("crt")}`.quiet();
    const site = forward(blockOf("nginx"))
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replace(/\/etc\/.*fullchain\.pem/, at("crt"))
      .replace(/\/etc\/.*privkey\.pem/, at("key"))
      .replaceAll("/var/log/nginx", folder.path);
    const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (what) => `${what}_temp_path ${what};`,
    );
    await Bun.write(
      at("nginx.conf"),
      `${process.getuid?.() === 0 ? "user root; " : ""}pid nginx.pid; error_log stderr crit; events {} http { ${places.join(" ")}\n${site} }`,
    );
    command = ["nginx", "-p", folder.path, "-c", at("nginx.conf"), "-g", "daemon off;"];
  } else {
    const site = forward(blockOf("caddy"))
      .replace("chat.example.com {", `https://127.0.0.1:${port} {\n\ttls internal`)
      .replace("/var/log/caddy", folder.path);
    await Bun.write(
      at("Caddyfile"),
      `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n${site}\n`,
    );
    command = ["caddy", "run", "--config", at("Caddyfile"), "--adapter", "caddyfile"];
  }
  const child = Bun.spawn(command, {
    env: {
      PATH: process.env.PATH,
      HOME: folder.path,
      XDG_DATA_HOME: folder.path,
      XDG_CONFIG_HOME: folder.path,
    },
    stdout: "ignore",
    stderr: "pipe",
  });
  const stderr = new Response(child.stderr).text();
  const url = `https://127.0.0.1:${port}`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(await stderr);
    return (await get(`${url}/readyz`).catch(() => undefined))?.status === 200;
  }, START_MS);
  return {
    url,
    async logs() {
      const files = [...new Bun.Glob("*.log").scanSync(folder.path)];
      return (await Promise.all(files.map((file) => Bun.file(at(file)).text()))).join("\n");
    },
    async stop() {
      child.kill();
      await child.exited;
      folder.remove();
    },
  };
}

const INSECURE = { rejectUnauthorized: false };
const get = (url: string, init: RequestInit = {}) => fetch(url, { ...init, tls: INSECURE });

/** Tests that hold behind either proxy. */
function behind(name: "nginx" | "caddy"): void {
  let server: TestServer;
  let front: Front;
  let ada: Person;
  beforeAll(async () => {
    server = await startTestServer({ TRUST_PROXY: "1", LOGIN_RATE: "3" });
    ada = await register(server, "ada");
    front = await startFront(name, server);
  });
  afterAll(async () => {
    await front?.stop();
    await server?.stop();
  });

  test("a message posted over HTTP reaches a socket", async () => {
    const socket = new WebSocket(`${front.url.replace("http", "ws")}/ws/chat/lobby/`, {
      protocols: ["chat.v1", `bearer.${ada.token}`],
      tls: INSECURE,
    } as unknown as string[]);
    const received: string[] = [];
    socket.onmessage = ({ data }) => received.push(String(data));
    await until(() => received.some((frame) => frame.includes("synced")));
    const headers = { authorization: `Bearer ${ada.token}`, "content-type": "application/json" };
    const posted = await get(`${front.url}/rooms/lobby/messages/`, {
      method: "POST",
      headers,
      body: JSON.stringify({ content: "Hello" }),
    });
    expect(posted.status).toBe(201);
    await until(() => received.some((frame) => frame.includes('"content":"Hello"')));
    socket.close();
  });

  test("browsers are told to use only TLS, by the page and by errors", async () => {
    for (const path of ["/", "/account/me/"])
      expect((await get(front.url + path)).headers.get("strict-transport-security")).toBe(
        "max-age=31536000; includeSubDomains",
      );
  });

  test("the server itself rejects a body that is too large", async () => {
    const headers = { authorization: `Bearer ${ada.token}`, "content-type": "application/json" };
    const body = JSON.stringify({ content: "x".repeat(100_000) });
    const refused = await get(`${front.url}/rooms/lobby/messages/`, { method: "POST", headers, body });
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([413, "too_large"]);
  });

  test("limits count the client's address, even if it sends X-Forwarded-For", async () => {
    const guess = async (forwarded: string) =>
      (
        await get(`${front.url}/account/login/`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-forwarded-for": forwarded },
          body: JSON.stringify({ email: "nobody@example.com", password: "wrong wrong" }),
        })
      ).status;
    const statuses = [];
    for (let guessed = 0; guessed < 5; guessed++) statuses.push(await guess(`198.51.100.${guessed}`));
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });

  test("its logs contain no token of an open socket, of a rejected one, or while the server is down", async () => {
    const open = (query: string, protocols?: string[]) =>
      new Promise<void>((resolve) => {
        const socket = new WebSocket(`${front.url.replace("http", "ws")}/ws/chat/secrets/${query}`, {
          ...(protocols && { protocols }),
          tls: INSECURE,
        } as unknown as string[]);
        socket.onopen = () => socket.close();
        socket.onclose = () => resolve();
      });
    await open(`?token=${ada.token}`);
    await open("?token=not-a-token-at-all");
    await open("", ["chat.v1", `bearer.${ada.token}`]);
    await get(`${front.url}/rooms/`, { headers: { authorization: `Bearer ${ada.token}` } });
    await server.stop();
    await open(`?token=${ada.token}`);
    await get(`${front.url}/history/secrets/?token=not-a-token-at-all`);
    await until(async () => (await front.logs()).includes("/history/secrets/"));
    const logs = await front.logs();
    expect(logs.split("/ws/chat/secrets/").length - 1).toBe(4);
    expect(logs).not.toContain(ada.token);
    expect(logs).not.toContain("not-a-token-at-all");
  });
}

needs("nginx")("docs/DEPLOYMENT.md, behind its nginx", () => behind("nginx"));

needs("caddy")("docs/DEPLOYMENT.md, behind its Caddy", () => behind("caddy"));

const systemd = Bun.which("systemd-analyze") !== null;
test.if(systemd)(
  `systemd accepts the unit and rates it as well protected${systemd ? "" : " (skipped: needs systemd-analyze)"}`,
  async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, "parley.service");
    // systemd checks that the program exists, and the binary is not installed here.
    await Bun.write(path, blockOf("ini").replace("/usr/local/bin/parley", process.execPath));
    const verify = Bun.spawn(["systemd-analyze", "verify", path], { stdout: "pipe", stderr: "pipe" });
    const problems = (await new Response(verify.stderr).text())
      .split("\n")
      .filter((line) => line.includes("parley.service"));
    expect({ problems, code: await verify.exited }).toEqual({ problems: [], code: 0 });
    // The exposure that systemd computes, from 0 to 100. Without the unit's restrictions it is 92.
    const exposed = Bun.spawnSync(["systemd-analyze", "security", "--offline=true", "--threshold=15", path]);
    expect([exposed.exitCode, exposed.stdout.toString().match(/Overall exposure.*/)?.[0]]).toEqual([
      0,
      expect.any(String),
    ]);
    folder.remove();
  },
);

describe("commands in the documents", () => {
  test(".ci/run builds the binary with the page's command", async () => {
    const [build = "", help] = blockOf("sh").split("\n");
    expect(await Bun.file(join(ROOT, ".ci/run")).text()).toContain(` ${build}\n`);
    expect(help).toBe("dist/parley --help");
  });

  for (const file of new Bun.Glob("docs/*.md").scanSync(ROOT))
    test(`${file}: sections with commands that are not executed say so`, async () => {
      const text = await Bun.file(join(ROOT, file)).text();
      const lines = text.split("\n");
      for (const { kind, line } of blocksOf(text).filter(({ kind }) => kind === "bash")) {
        const before = lines.slice(0, line - 1);
        const section = before.slice(before.findLastIndex((one) => /^#+ /.test(one))).join(" ");
        expect([kind, section]).toEqual([kind, expect.stringMatching(/not executed/i)]);
      }
    });
});
