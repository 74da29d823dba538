// The PostgreSQL that is measured, and the plain clients of Debian's beside it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgres } from '../../demo/dist/postgres-binaries.js';
import { PostgresServer } from '../../demo/dist/postgres-server.js';

/** `dataDir`: a data folder that is kept, and the port that it is always at. */
export async function startPostgres(settings = {}, { dataDir, port } = {}) {
  const postgres = await PostgresServer.start({
    ...(dataDir === undefined ? {} : { dataDir, port }),
    binaries: await findPostgres(18),
    settings: { wal_level: 'logical', max_wal_size: '16GB', shared_buffers: '512MB', ...settings },
  });
  const { host } = postgres;
  const source = { type: 'postgres', host, port: postgres.port, username: 'postgres', password: 'sluice' };
  return { postgres, source: { ...source, database: 'postgres' } };
}

/** psql, pg_recvlogical: they are in no npm package. */
export async function postgresProgram(name) {
  const path = join((await findPostgres(15)).bin, name);
  if (!existsSync(path)) throw new Error(`${name} is not there: install Debian's postgresql-client-15`);
  return path;
}
