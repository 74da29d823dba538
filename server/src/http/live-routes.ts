import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { API_PREFIX, EventFeedQuery, Reference, SluiceError } from '@sluice/contract';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { untilGone } from './until-gone.ts';

export interface LiveOptions {
  readonly overview: () => Promise<unknown>;
  /** What tells one listener of a task. */
  readonly task: (ref: string) => () => Promise<unknown>;
  /** What tells one listener the events of a task or a data source. */
  readonly events: (
    of: 'tasks' | 'data_sources',
    ref: string,
    query: z.output<typeof EventFeedQuery>,
  ) => () => Promise<unknown>;
}

const TELL_MS = 1000;
/** Each listener asks the metastore once a second. */
const MOST_LISTENERS = 200;

const ByRef = z.strictObject({ ref: Reference });

/** Server-sent events: a message a second, for who watches. */
export function liveRoutes(app: FastifyInstance, options: LiveOptions, closing: AbortSignal): void {
  let listeners = 0;
  const tell = async (reply: FastifyReply, next: () => Promise<unknown>): Promise<void> => {
    if (listeners >= MOST_LISTENERS)
      throw new SluiceError('CONFLICT', `${MOST_LISTENERS} live feeds are open already.`, {
        remedy: 'Close pages that nobody looks at.',
      });
    const signal = untilGone(reply.raw, closing);
    // What is refused is refused as everywhere, before the stream begins.
    const first = await next();
    const { raw } = reply.hijack();
    listeners++;
    try {
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      let message = first;
      while (!signal.aborted) {
        if (!raw.write(`data: ${JSON.stringify(message)}\n\n`)) await once(raw, 'drain', { signal });
        await pause(TELL_MS, undefined, { signal });
        message = await next();
      }
    } catch (error) {
      // The task was deleted, or the metastore failed: the listener connects again and is told why.
      if (!signal.aborted) reply.log.debug({ err: error }, 'a live feed ended');
    } finally {
      listeners--;
      raw.end();
    }
  };
  const hidden = { hide: true };
  app.get(`${API_PREFIX}/live`, { schema: hidden }, (_request, reply) => tell(reply, options.overview));
  app.get<{ Params: z.infer<typeof ByRef> }>(
    `${API_PREFIX}/tasks/:ref/live`,
    { schema: { ...hidden, params: ByRef } },
    (request, reply) => tell(reply, options.task(request.params.ref)),
  );
  for (const [path, of] of [
    ['tasks', 'tasks'],
    ['data-sources', 'data_sources'],
  ] as const)
    app.get<{ Params: z.infer<typeof ByRef>; Querystring: z.output<typeof EventFeedQuery> }>(
      `${API_PREFIX}/${path}/:ref/events/live`,
      { schema: { ...hidden, params: ByRef, querystring: EventFeedQuery } },
      (request, reply) => tell(reply, options.events(of, request.params.ref, request.query)),
    );
}
