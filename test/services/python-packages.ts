/** What the tests take from PyPI: clients in the very environment that the local Synapse runs in. */
import { type PythonEnvironment, pythonEnvironment } from "../../bridge/local/python.ts";
import { SYNAPSE_ENVIRONMENT, synapseEnvironment } from "../../bridge/local/synapse.ts";

export const NIO_VERSION = "0.26.0";
const NIO = `matrix-nio==${NIO_VERSION}`;
/** Makes requests from OpenAPI documents; an environment of its own, because it shares packages with Synapse. */
export const SCHEMATHESIS_VERSION = "4.32.5";

type Progress = ((line: string) => void) | undefined;

/** Synapse alone first: that is what the server itself asks for. @throws Error of one line, see `pythonEnvironment` */
export function nioEnvironment(onProgress?: Progress): Promise<PythonEnvironment> {
  return withSynapse(NIO, onProgress);
}

export function schemathesisEnvironment(onProgress?: Progress): Promise<PythonEnvironment> {
  return pythonEnvironment({
    name: `schemathesis-${SCHEMATHESIS_VERSION}`,
    packages: [`schemathesis==${SCHEMATHESIS_VERSION}`],
    ...(onProgress && { onProgress }),
  });
}

async function withSynapse(requirement: string, onProgress: Progress): Promise<PythonEnvironment> {
  const progress = onProgress && { onProgress };
  await synapseEnvironment({ ...progress });
  return pythonEnvironment({
    name: SYNAPSE_ENVIRONMENT.name,
    packages: [...SYNAPSE_ENVIRONMENT.packages, requirement],
    ...progress,
  });
}
