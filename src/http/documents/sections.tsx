/** The parts of the page behind those of the routes, by the id that links lead to. */
export const SECTIONS = {
  schemas: "HTTP: what answers hold",
  sockets: "Sockets",
  commands: "chat.v1: commands",
  events: "chat.v1: events",
  plain: "The plain protocol",
  "error-codes": "Error codes",
  "close-codes": "Close codes",
} as const;

export const Title = ({ of }: { of: keyof typeof SECTIONS }) => <h2 id={of}>{SECTIONS[of]}</h2>;
