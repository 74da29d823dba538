import { readFileSync } from 'node:fs';
import type { ServerStatus } from '@sluice/contract';
import { type Control, isoTime } from './context.ts';

/** The same place from the sources and from the build. */
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
export const VERSION = manifest.version;

export async function serverStatus(control: Control): Promise<ServerStatus> {
  const tasks = await control.db
    .selectFrom('tasks')
    .leftJoin('runs', (join) =>
      join.onRef('runs.task_id', '=', 'tasks.id').on('runs.id', '=', (eb) =>
        eb
          .selectFrom('runs as newest')
          .select(({ fn }) => fn.max('newest.id').as('id'))
          .whereRef('newest.task_id', '=', 'tasks.id'),
      ),
    )
    .select('runs.state')
    .execute();
  return {
    version: VERSION,
    startedAt: isoTime(control.startedAt),
    uptimeSeconds: Math.round((Date.now() - control.startedAt) / 1000),
    dataDir: control.dataDir.root,
    warehouse: control.dataDir.warehouse,
    tasks: {
      total: tasks.length,
      running: tasks.filter((row) => row.state !== null && row.state !== 'stopped' && row.state !== 'failed')
        .length,
      failed: tasks.filter((row) => row.state === 'failed').length,
    },
  };
}
