/**
 * A signal that aborts as `signal` does, with its reason, or with a TimeoutError after `ms`. It keeps no process alive.
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` reads the same and may never abort: what `any` makes holds its
 * sources weakly, so that a garbage collection takes the timeout away before its time (seen in Node 20, with and without
 * a listener). A controller is held by its timer.
 */
export function within(signal: AbortSignal, ms: number): AbortSignal {
  const late = new AbortController();
  setTimeout(() => late.abort(new DOMException(`It took longer than ${ms} ms.`, 'TimeoutError')), ms).unref();
  return AbortSignal.any([signal, late.signal]);
}
