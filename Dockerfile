# syntax=docker/dockerfile:1
# Two stages: the first builds the bundle with all tools, the second holds Node, the bundle and its two native packages.

FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
# No package needs its install script here: the native ones bring their binaries along.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json config.example.yaml config.schema.json README.md LICENSE ./
COPY cmd ./cmd
COPY internal ./internal
COPY scripts ./scripts
RUN npm run --silent build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/package.json /src/LICENSE /src/config.example.yaml ./
# All else is in the bundle; scripts/build.ts names these two as external. There is no keychain in a container, so its
# binding is left out.
COPY --from=build /src/node_modules/better-sqlite3 ./node_modules/better-sqlite3
COPY --from=build /src/node_modules/@node-rs ./node_modules/@node-rs
COPY --from=build /src/dist ./dist
# One directory holds everything that must survive the container: config, accounts, database, logs.
RUN mkdir -p /data && chown node:node /data && chmod 700 /data
ENV HOME=/data KEYWARD_CONFIG=/data/config.yaml
VOLUME /data
USER node
WORKDIR /data
EXPOSE 8317
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD ["node", "-e", "fetch('http://127.0.0.1:8317/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# A container is reached from outside only when it listens on every interface. Keyward then refuses to start without client
# keys; the first run writes a config that has one.
ENTRYPOINT ["node", "/app/dist/keyward.mjs"]
CMD ["serve", "--host", "0.0.0.0"]
