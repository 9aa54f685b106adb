// A process that runs the local Synapse of the built program, to be killed. Argument: options as JSON.
import { startLocalSynapse } from "../dist/bridge/local/synapse.js";

const options = JSON.parse(process.argv[2]);
const synapse = await startLocalSynapse({ ...options, logger: { info() {}, warn() {} } });
process.stdout.write(`${JSON.stringify({ pid: synapse.pid(), adopted: synapse.adopted })}\n`);
setInterval(() => undefined, 60_000);
