import { CLOSE, ERRORS } from "../../protocol/codes.ts";
import { Title } from "./sections.tsx";

/** The tables of codes. */
export const Codes = () => (
  <section>
    <Title of="error-codes" />
    <p>The same over HTTP and in frames. Retry: the same request may succeed later without being changed.</p>
    <table>
      <thead>
        <tr>
          <th>code</th>
          <th>HTTP</th>
          <th>retry</th>
          <th>what it says</th>
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
      4000 to 4499: connect again. 4500 to 4999: do not, unless something has changed. Below 4000 they are
      those of WebSocket itself: connect again with backoff, but for 1000.
    </p>
    <table>
      <thead>
        <tr>
          <th>code</th>
          <th>name</th>
          <th>connect again</th>
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
