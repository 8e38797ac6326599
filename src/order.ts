/** An operator's order, as the audit records it. */
export interface Order {
  /** Where it came from. */
  readonly via: "cli" | "http" | "socket";
  /** Empty if none was given. */
  readonly reason: string;
}
