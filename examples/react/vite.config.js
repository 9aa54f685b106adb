// The page and the server look like one origin: CAUSEWAY_URL=http://127.0.0.1:8080 npm run dev
const target = process.env.CAUSEWAY_URL ?? "http://127.0.0.1:8080";

export default {
  server: { proxy: { "/ws": { target, ws: true }, "/login": { target }, "/access": { target } } },
};
