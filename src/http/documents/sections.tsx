/** The page's sections after those of the routes: titles by anchor id. */
export const SECTIONS = {
  schemas: "HTTP: response schemas",
  sockets: "Sockets",
  commands: "chat.v1: commands",
  events: "chat.v1: events",
  plain: "The plain protocol",
  "error-codes": "Error codes",
  "close-codes": "Close codes",
} as const;

export const Title = ({ of }: { of: keyof typeof SECTIONS }) => <h2 id={of}>{SECTIONS[of]}</h2>;
