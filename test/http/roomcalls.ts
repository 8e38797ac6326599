import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** A row of a list, or another answer. */
export type Row = Record<string, unknown> & { id: string };

interface Caller {
  readonly token: string;
}

export const operator: Caller = { token: ADMIN_TOKEN };

/** A server without limits and four people, for tests of rooms and of what people do about each other. */
export async function startRooms(settings: Record<string, string> = {}): Promise<{
  server: TestServer;
  people: [Person, Person, Person, Person];
}> {
  const server = await startTestServer({
    ...{ MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0", ADMIN_TOKEN },
    ...settings,
  });
  const people: Person[] = [];
  for (const name of ["ada", "ben", "cy", "eve"]) people.push(await register(server, name));
  return { server, people: people as [Person, Person, Person, Person] };
}

/** Requests to that server. A status has the code of the error, if there is one. */
export function roomCalls(server: () => TestServer) {
  const by = async ({ token }: Caller, target: string, body?: object) => {
    const { status, body: answer, headers } = await api(server(), target, { token, ...(body && { body }) });
    const { code } = (answer ?? {}) as { code?: string };
    return { status: code ? `${status} ${code}` : status, body: answer as Row, headers };
  };
  return {
    by,
    statusOf: async (person: Caller, target: string, body?: object) =>
      (await by(person, target, body)).status,
    rowsOf: async (person: Caller, target: string) => (await by(person, target)).body as unknown as Row[],
  };
}
