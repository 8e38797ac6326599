/**
 * The codes of errors, over HTTP (RFC 9457 problem documents) and in frames alike: a code is stable, its text is not.
 * `retryable`: the same request may succeed later without being changed.
 */
export const ERRORS = {
  // What was sent is wrong.
  malformed: { status: 400, retryable: false, text: "The request is not what this place reads: see detail." },
  invalid: { status: 400, retryable: false, text: "One or more fields are invalid." },
  bad_room: { status: 400, retryable: false, text: "That is not the name of a room." },
  unsupported_media_type: { status: 415, retryable: false, text: "Send application/json." },
  too_large: { status: 413, retryable: false, text: "That is too large." },
  unknown_command: { status: 400, retryable: false, text: "There is no such command." },
  unsupported_protocol: {
    status: 400,
    retryable: false,
    text: "None of the offered subprotocols is spoken here.",
  },
  upgrade_required: { status: 426, retryable: false, text: "This address speaks WebSocket." },
  // Who sent it.
  token_missing: { status: 401, retryable: false, text: "An access token is required." },
  token_invalid: { status: 401, retryable: false, text: "The token is not valid." },
  token_expired: { status: 401, retryable: false, text: "The token has expired." },
  session_ended: { status: 401, retryable: false, text: "The session of this token has ended." },
  account_disabled: { status: 401, retryable: false, text: "This account is disabled or deleted." },
  invalid_credentials: { status: 401, retryable: false, text: "Invalid Credentials" },
  refresh_invalid: { status: 401, retryable: false, text: "The refresh token is not valid." },
  refresh_reused: {
    status: 401,
    retryable: false,
    text: "The refresh token was used before; its session has ended.",
  },
  // What they may do.
  forbidden: { status: 403, retryable: false, text: "That is not allowed." },
  bad_origin: { status: 403, retryable: false, text: "This origin is not allowed." },
  registration_off: { status: 403, retryable: false, text: "Registration is switched off." },
  not_found: { status: 404, retryable: false, text: "There is no such thing." },
  method_not_allowed: { status: 405, retryable: false, text: "This method is not allowed here." },
  email_taken: { status: 409, retryable: false, text: "There is an account with this email already." },
  username_taken: { status: 409, retryable: false, text: "This username is taken." },
  client_id_reused: {
    status: 409,
    retryable: false,
    text: "This clientId has stood for something else before.",
  },
  too_late: { status: 409, retryable: false, text: "This message may not be edited any more." },
  too_many_reactions: {
    status: 409,
    retryable: false,
    text: "This message has as many reactions as it may.",
  },
  too_many_rooms: { status: 409, retryable: false, text: "This socket has joined as many rooms as it may." },
  too_many_sockets: { status: 429, retryable: true, text: "This user has as many sockets open as allowed." },
  // What can be done now.
  rate_limited: { status: 429, retryable: true, text: "Too many requests: wait a little." },
  busy: { status: 503, retryable: true, text: "The server has too much to do: try again soon." },
  unavailable: {
    status: 503,
    retryable: true,
    text: "The outcome is not known: try again with the same clientId.",
  },
  internal: { status: 500, retryable: true, text: "Something went wrong here." },
} as const satisfies Record<string, { status: number; retryable: boolean; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * Why a socket was closed. 4000–4499: connect again; 4500–4999: do not.
 * Codes below 4000 are those of RFC 6455: connect again with backoff, but for 1000.
 */
export const CLOSE = {
  going_away: 4000,
  token_expired: 4001,
  slow: 4002,
  resync: 4003,
  token_invalid: 4500,
  protocol: 4501,
  forbidden: 4502,
  removed: 4503,
  too_many_sockets: 4504,
  left: 4505,
} as const;

export type CloseReason = keyof typeof CLOSE;
