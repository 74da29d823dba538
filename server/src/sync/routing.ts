import { CompositeSource } from '../sources/composite/composite-source.ts';
import type { Position, Source } from '../sources/source.ts';
import { Router, type RouterOptions, type RunRouter } from './router.ts';
import { RouterGroup } from './router-group.ts';

/** What takes the log, or the logs, and how they get there. */
export function routed(
  source: Source | CompositeSource,
  options: RouterOptions,
): {
  readonly router: RunRouter;
  readonly stream: (from: Position, signal: AbortSignal) => Promise<void>;
} {
  if (source instanceof CompositeSource) {
    const router = new RouterGroup(source.labels, [...source.away.keys()], {
      ...options,
      source: source.ofOneLog,
    });
    return { router, stream: (from, signal) => source.stream(from, router.sink, signal) };
  }
  const router = new Router(options);
  return { router, stream: (from, signal) => source.stream(from, router, signal) };
}
