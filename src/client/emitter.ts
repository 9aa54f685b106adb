/** A small typed event emitter for browsers and Node. */

export type Unsubscribe = () => void;

export interface Emitter<Events extends object> {
  /** Calls `listener` with every later event of this name, in order, until the returned function is called. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): Unsubscribe;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

/** A listener that throws becomes an uncaught error of the app; the other listeners still get the event. */
export function createEmitter<Events extends object>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    on(name, listener) {
      const heard = listeners.get(name) ?? new Set();
      listeners.set(name, heard);
      heard.add(listener);
      return () => heard.delete(listener);
    },
    emit(name, event) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          (listener as (event: unknown) => void)(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
