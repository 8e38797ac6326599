/** What a client asks for, as its command has it; the same however often it is sent. */
export type Change = { readonly clientId: string } & (
  | { readonly type: "send"; readonly content: string }
  | { readonly type: "edit"; readonly id: number; readonly content: string }
  | { readonly type: "delete"; readonly id: number }
  | { readonly type: "react"; readonly id: number; readonly emoji: string; readonly on: boolean }
);
