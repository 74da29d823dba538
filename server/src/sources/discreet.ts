import { SluiceError } from '@sluice/contract';
import type { SourceAdmin } from './source.ts';

/** Shorter passwords would hide half of any message, and hide nothing. */
const SHORTEST = 4;

/**
 * The same, but what a driver throws never carries the password out. Errors of our own never hold one; those of
 * others can hold anything, and end in the log.
 */
export function discreet(admin: SourceAdmin): SourceAdmin {
  return new Proxy(admin, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw withoutPassword(error, args[0]);
        });
      };
    },
  });
}

function withoutPassword(error: unknown, of: unknown): unknown {
  if (error instanceof SluiceError) return error;
  const { password, connection } = (of ?? {}) as { password?: unknown; connection?: { password?: unknown } };
  const secret = password ?? connection?.password;
  if (typeof secret !== 'string' || secret.length < SHORTEST) return error;
  const said = error instanceof Error ? error.message : String(error);
  if (!said.includes(secret)) return error;
  return new SluiceError('INTERNAL', said.replaceAll(secret, '***'));
}
