# syntax=docker/dockerfile:1
# Debian 13: uWebSockets.js for Node 22 and later needs glibc 2.38.
FROM node:24.18.0-trixie-slim AS base
WORKDIR /app
COPY package.json package-lock.json ./

FROM base AS build
RUN npm ci
COPY tsconfig.json tsconfig.build.json tsconfig.web.json ./
COPY src src
COPY bridge bridge
COPY load load
RUN npm run build

FROM base AS packages
RUN npm ci --omit=dev

FROM base
# npm, for the scripts of package.json, has nowhere to keep its own logs where the file system is read only.
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data npm_config_logs_max=0 npm_config_update_notifier=false
# A volume takes over the owner of the folder that it is mounted on.
RUN install -d -m 700 -o node -g node /data /data/attachments /matrix /synapse
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
# docker build --build-arg COMMIT=$(git rev-parse HEAD): shown by the metric causeway_build_info.
ARG COMMIT=unknown
RUN echo "$COMMIT" > commit
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/src/main.js"]
