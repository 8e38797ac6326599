/** The fields of a client's command for a change. They stay the same on every retry. */
export type Change = { readonly clientId: string } & (
  | { readonly type: "send"; readonly content: string }
  | { readonly type: "edit"; readonly id: number; readonly content: string }
  | { readonly type: "delete"; readonly id: number }
  | { readonly type: "react"; readonly id: number; readonly emoji: string; readonly on: boolean }
);
