import type { TestProject } from 'vitest/node';
import { type Flavour, startMysql } from './mysql.ts';
import { startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string;
    mysqlUrl: string;
    mariadbUrl: string;
  }
}

/** Whose name a run's file filters do not hint at is not waited for: `vitest run spool` needs no MySQL. */
const WANTS_MYSQL =
  /mysql|mariadb|merge|table-file|(mirror|orders)\/?$|tests\/?$|property|browser\/?$|server\/?$|sources\/?$/;

/** One server of each kind for all test files of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const filters = process.argv.slice(2).filter((word) => !word.startsWith('-') && word !== 'run');
  const some = filters.length === 0 || filters.some((filter) => WANTS_MYSQL.test(filter));
  const servers = await Promise.all([
    postgres(project),
    ...(some ? [mysql(project, 'mysql'), mysql(project, 'mariadb')] : []),
  ]);
  return async () => {
    for (const server of servers) await server?.[Symbol.asyncDispose]();
  };
}

async function postgres(project: TestProject): Promise<AsyncDisposable | null> {
  const given = process.env.SLUICE_TEST_POSTGRES_URL ?? '';
  const server = given === '' ? await startPostgres() : null;
  project.provide('postgresUrl', server?.url ?? given);
  return server;
}

async function mysql(project: TestProject, flavour: Flavour): Promise<AsyncDisposable | null> {
  const given = process.env[flavour === 'mysql' ? 'SLUICE_TEST_MYSQL_URL' : 'SLUICE_TEST_MARIADB_URL'] ?? '';
  const server = given === '' ? await startMysql(flavour) : null;
  project.provide(flavour === 'mysql' ? 'mysqlUrl' : 'mariadbUrl', server?.url ?? given);
  return server;
}
