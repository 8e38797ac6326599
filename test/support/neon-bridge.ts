/**
 * Starts a bridge from Neon's serverless driver to a Postgres server on a free port of 127.0.0.1. It forwards the bytes
 * of each WebSocket unchanged over one TCP connection.
 */
export function startNeonBridge(postgres: { hostname: string; port: number }) {
  interface Tunnel {
    /** Resolves when the TCP connection is open; earlier bytes wait for it. */
    tcp?: Promise<Bun.Socket<undefined>>;
  }
  const server = Bun.serve<Tunnel>({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    fetch: (request, server) =>
      server.upgrade(request, { data: {} })
        ? undefined
        : new Response("Connect with a WebSocket.", { status: 426 }),
    websocket: {
      open(ws) {
        ws.binaryType = "uint8array";
        ws.data.tcp = Bun.connect({
          ...postgres,
          socket: {
            data: (_, bytes) => void ws.sendBinary(bytes),
            close: () => ws.close(),
            error: () => ws.close(),
          },
        });
        ws.data.tcp.catch(() => ws.close());
      },
      async message(ws, bytes) {
        (await ws.data.tcp)?.write(bytes);
      },
      async close(ws) {
        (await ws.data.tcp?.catch(() => undefined))?.end();
      },
    },
  });
  return { proxy: `127.0.0.1:${server.port}/v2`, stop: () => server.stop(true) };
}
