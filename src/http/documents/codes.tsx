import { CLOSE, ERRORS } from "../../protocol/codes.ts";
import { Title } from "./sections.tsx";

/** The tables of error codes and close codes. */
export const Codes = () => (
  <section>
    <Title of="error-codes" />
    <p>HTTP responses and frames share these codes. Retry: the unchanged request may succeed later.</p>
    <table>
      <thead>
        <tr>
          <th>code</th>
          <th>HTTP</th>
          <th>retry</th>
          <th>message</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(ERRORS).map(([code, { status, retryable, text }]) => (
          <tr id={`code-${code}`}>
            <td>
              <code>{code}</code>
            </td>
            <td>{status}</td>
            <td>{retryable ? "yes" : "no"}</td>
            <td>{text}</td>
          </tr>
        ))}
      </tbody>
    </table>
    <Title of="close-codes" />
    <p>
      4000 to 4499: reconnect. 4500 to 4999: do not reconnect unless something has changed. Codes below 4000
      are those of WebSocket itself: reconnect with backoff, except after 1000.
    </p>
    <table>
      <thead>
        <tr>
          <th>code</th>
          <th>name</th>
          <th>reconnect</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(CLOSE).map(([name, code]) => (
          <tr>
            <td>
              <code>{code}</code>
            </td>
            <td>{name}</td>
            <td>{code < 4500 ? "yes" : "no"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);
