import { invalid, type Refusal } from "../../errors.ts";
import type { PersonBudget } from "../../protocol/budgets.ts";
import type { CommandOf, CommandType } from "../../protocol/frames.ts";
import type { Peer } from "../connection/peer.ts";
import type { Pass } from "../pass.ts";
import type { Action } from "../rights.ts";

/** The reply to a command: exactly one of these, exactly once. */
export interface Reply {
  ok(fields?: Readonly<Record<string, unknown>>): void;
  refuse(refusal: Refusal): void;
}

interface Call<T extends CommandType> {
  readonly peer: Peer;
  readonly command: CommandOf<T>;
  readonly reply: Reply;
}

/** What a command costs besides its frame: units of one of its person's budgets. */
export interface Cost<T extends CommandType> {
  readonly budget: PersonBudget;
  /** Defaults to 1. */
  units?(command: CommandOf<T>): number;
}

interface Costly<T extends CommandType> {
  /** Null: only its frame. */
  readonly cost: Cost<T> | null;
}

/** A command about a room. It runs with a pass for the action that it declares; without one, it is refused. */
interface RoomCommand<T extends CommandType, A extends Action> extends Costly<T> {
  readonly action: A;
  run(call: Call<T> & { readonly pass: Pass<A> }): Promise<void> | void;
}

/** A command that needs no pass, or gets it by itself. */
interface BareCommand<T extends CommandType> extends Costly<T> {
  readonly action?: undefined;
  run(call: Call<T>): Promise<void> | void;
}

/** What a command does. It replies once; what it throws is sent as the reply. */
export type CommandHandler<T extends CommandType> =
  RoomCommand<T, "read"> | RoomCommand<T, "post"> | BareCommand<T>;

export type CommandTable = { readonly [T in CommandType]: CommandHandler<T> };

/** Spends what a command costs. Returns 0, or the milliseconds until its person can afford it. */
export const pay = <T extends CommandType>(
  { cost }: CommandHandler<T>,
  { peer, command }: Omit<Call<T>, "reply">,
): number => (cost ? peer.spend(cost.budget, cost.units?.(command) ?? 1) : 0);

/** Runs a command with the pass that it needs. @throws {Refusal}, also as a rejection. */
export function runCommand<T extends CommandType>(
  { action, run }: CommandHandler<T>,
  call: Call<T>,
): Promise<void> | void {
  if (action === undefined) return run(call as never);
  const pass = call.peer.enter(roomOf(call), action);
  if (pass instanceof Promise) return pass.then((granted) => run({ ...call, pass: granted } as never));
  return run({ peer: call.peer, command: call.command, reply: call.reply, pass } as never);
}

/** Returns the room that a command is about: the one it names or else the one of the socket's URL. @throws {Refusal} invalid. */
export function roomOf({
  peer,
  command,
}: {
  peer: Peer;
  command: { room?: string | undefined } | object;
}): string {
  const room = ("room" in command ? command.room : undefined) ?? peer.room;
  if (room === undefined) throw invalid({ room: ["is required"] });
  return room;
}
