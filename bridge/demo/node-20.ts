/** What matrix-js-sdk takes for granted and Node 20 does not have yet. Imported for its effect. */

/** As in ES2024. */
function withResolvers<T>() {
  let resolve!: (value: T | PromiseLike<T>) => void;
  let reject!: (reason?: unknown) => void;
  const promise = new Promise<T>((whenDone, whenFailed) => {
    resolve = whenDone;
    reject = whenFailed;
  });
  return { promise, resolve, reject };
}

if (!("withResolvers" in Promise)) Object.assign(Promise, { withResolvers });
