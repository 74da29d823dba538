import { AsyncLocalStorage } from 'node:async_hooks';

/** What happens by itself. */
export const BY_ITSELF = 'sluice';

const callers = new AsyncLocalStorage<string>();

/** Whatever `work` records is done by this caller; what it sets going and leaves behind has to say that it is not. */
export function asCaller<T>(name: string, work: () => T): T {
  return callers.run(name, work);
}

export function callerName(): string {
  return callers.getStore() ?? BY_ITSELF;
}
