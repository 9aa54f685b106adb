/** A small typed event emitter for browsers and Node. */

export type Unsubscribe = () => void;

export interface Emitter<Events extends object> {
  /** Calls `listener` with every later event of this name, in order, until the returned function is called. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

/** A listener that throws becomes an uncaught error of the app; the other listeners still get the event. */
export function createEmitter<Events extends object>(): Emitter<Events> {
  const listeners = new Map<keyof Events, readonly { call: (event: never) => void }[]>();
  const heard = (name: keyof Events) => listeners.get(name) ?? [];
  return {
    on(name, listener) {
      const own = { call: listener };
      // A new list: one that is being gone through stays as it is.
      listeners.set(name, [...heard(name), own]);
      return () =>
        listeners.set(
          name,
          heard(name).filter((other) => other !== own),
        );
    },
    emit(name, event) {
      for (const { call } of heard(name)) {
        try {
          (call as (event: unknown) => void)(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}

/**
 * A value that changes. Both functions may be passed on without their object, as to React's `useSyncExternalStore`.
 */
export interface Observable<T> {
  /** Calls `listener` after changes: changes that follow one another at once are one call. */
  subscribe: (listener: () => void) => Unsubscribe;
  /** The value now, and the same object until it changes. */
  getSnapshot: () => T;
}

/** An {@link Observable} whose owner says when the value has changed. */
export interface OwnedObservable<T> extends Observable<T> {
  changed(): void;
}

/** @param read makes the value; called when somebody asks for it and it has changed */
export function observe<T>(read: () => T): OwnedObservable<T> {
  const listeners = createEmitter<{ changed: undefined }>();
  let cached: { value: T } | null = null;
  let isTelling = false;
  return {
    subscribe: (listener) => listeners.on("changed", () => listener()),
    getSnapshot: () => {
      cached ??= { value: read() };
      return cached.value;
    },
    changed: () => {
      cached = null;
      if (isTelling) return;
      isTelling = true;
      queueMicrotask(() => {
        isTelling = false;
        listeners.emit("changed", undefined);
      });
    },
  };
}
