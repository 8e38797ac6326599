import type { AsyncApi } from "./asyncapi.ts";
import { Fields } from "./fields.tsx";
import { Title } from "./sections.tsx";

/** The sections about sockets: addresses, commands with their replies, events, and the plain protocol. */
export function Sockets({ document: { channels, components } }: { document: AsyncApi }) {
  const named = (prefix: string) =>
    Object.entries(components.messages).filter(([name]) => name.startsWith(`${prefix}.`));
  const Frame = ({ id, title }: { id: string; title: string }) => {
    const message = components.messages[id];
    if (!message) return <></>;
    return (
      <article id={id}>
        <h3>
          <code>{title}</code>
        </h3>
        <p>{message.summary}</p>
        <Fields schema={message.payload} />
      </article>
    );
  };
  return (
    <>
      <section>
        <Title of="sockets" />
        {Object.values(channels).map((channel) => (
          <>
            <h3>
              <code>{channel.address}</code> {channel.title}
            </h3>
            <p>
              {channel.description} The upgrade may fail with {channel["x-refusals"].join(", ")}.
            </p>
          </>
        ))}
      </section>
      <section>
        <Title of="commands" />
        {named("command").map(([id, { name }]) => (
          <>
            <Frame id={id} title={name} />
            <Fields title="Reply: ok" schema={components.messages[`reply.${name}`]?.payload ?? {}} />
          </>
        ))}
        <Frame id="reply.error" title="error" />
      </section>
      <section>
        <Title of="events" />
        {named("event").map(([id, { name }]) => (
          <Frame id={id} title={name} />
        ))}
      </section>
      <section>
        <Title of="plain" />
        {named("plain").map(([id, { name }]) => (
          <Frame id={id} title={name} />
        ))}
      </section>
    </>
  );
}
