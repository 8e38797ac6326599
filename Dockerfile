# Builds with Bun. The final image contains only the binary and the C library.
FROM oven/bun:1.4.5-slim AS build
WORKDIR /build
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production
COPY . .
RUN bun run build
RUN mkdir data

FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /build/dist/parley /usr/local/bin/parley
# A new volume inherits its owner from this folder.
COPY --from=build --chown=nonroot:nonroot /build/data /data
ENV HOST=0.0.0.0 DATA_DIR=/data
VOLUME /data
EXPOSE 3000
USER nonroot
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/parley", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/parley"]
