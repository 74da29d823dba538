import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { equal, type TableComparison } from './comparison.ts';
import { claim, endLeftover } from './leftover.ts';
import { Mirror } from './mirror.ts';
import { type DemoOptions, parseOptions } from './options.ts';
import { repositoryRoot } from './postgres-binaries.ts';
import { Screen } from './screen.ts';
import { ServerProcess } from './server-process.ts';
import { mysqlShop } from './shop-mysql.ts';
import { postgresShop } from './shop-postgres.ts';
import type { Shop, SourceKind } from './shop-source.ts';
import type { WriterCounts } from './writers.ts';

const TITLES: Readonly<Record<SourceKind, string>> = {
  postgres: 'PostgreSQL 18',
  mysql: 'MySQL 9.7',
  mariadb: 'MariaDB 10.11',
};

const parsed = parseOptions(process.argv.slice(2));
if (parsed.kind === 'say') {
  (parsed.code === 0 ? process.stdout : process.stderr).write(parsed.text);
  process.exitCode = parsed.code;
} else {
  const stop = new AbortController();
  let asked = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second time: now, whatever is lost. The children go with us (their exit hooks).
      if (++asked > 1) process.exit(130);
      process.stderr.write('\nStopping … (Ctrl-C again: at once)\n');
      stop.abort();
    });
  }
  try {
    const { once, source } = parsed.options;
    const name = `${once ? 'once' : 'demo'}${source === 'postgres' ? '' : `-${source}`}`;
    const home = join(repositoryRoot(), '.sluice', name);
    const release = await claim(join(home, 'demo.pid'), 'start.mjs');
    try {
      process.exitCode = await demo(home, parsed.options, stop.signal);
    } finally {
      await release();
    }
  } catch (error) {
    process.stderr.write(`\n✗ ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

async function demo(home: string, options: DemoOptions, signal: AbortSignal): Promise<number> {
  const root = repositoryRoot();
  const screen = new Screen(process.stdout);
  await endLeftover(join(home, 'lake', 'server.pid'), join(home, 'lake'), 'SIGTERM');
  if (options.fresh) {
    await rm(join(home, 'lake'), { recursive: true, force: true });
    await rm(join(home, 'lake.log'), { force: true });
  }

  screen.say(`Starting ${TITLES[options.source]} …`);
  const open = options.source === 'postgres' ? postgresShop : mysqlShop(options.source);
  await using shop = await open({ root, home, fresh: options.fresh });
  const filled = await shop.fill();
  screen.say(filled === null ? 'The shop is there.' : `The shop has ${filled.toLocaleString('en-US')} rows.`);

  screen.say('Starting Sluice …');
  await using server = await ServerProcess.start(root, join(home, 'lake'), options.port);
  const mirror = new Mirror(await server.api());
  const how = await mirror.start(shop);
  screen.say(how === 'new' ? 'The mirror begins with a full load.' : 'The mirror goes on where it stopped.');

  const counts: WriterCounts = { transactions: 0, rows: 0, schemaChanges: 0, failed: 0 };
  const enough = new AbortController();
  const writing = shop.write(counts, AbortSignal.any([enough.signal, signal]));
  // Whoever awaits it below gets the error; until then it must not end the process.
  writing.catch(() => enough.abort());
  try {
    const live = await watch(mirror, screen, server, counts, signal, (everyTable) => everyTable);
    if (live) sayWhereToLook(screen, server, shop, root, await server.studioUrl());
    const until = options.once ? Date.now() + options.seconds * 1000 : Number.POSITIVE_INFINITY;
    await watch(
      mirror,
      screen,
      server,
      counts,
      AbortSignal.any([signal, enough.signal]),
      () => Date.now() >= until,
    );
  } finally {
    enough.abort();
    await writing;
  }
  let code = 0;
  if (options.once && !signal.aborted) code = await compare(mirror, screen, shop, counts);
  if (signal.aborted && options.once) code = 130;
  await mirror.stop();
  screen.say('Stopped.');
  return code;
}

/** Shows the task until `done`. @returns false when it was stopped before. @throws Error when task or server failed */
async function watch(
  mirror: Mirror,
  screen: Screen,
  server: ServerProcess,
  counts: WriterCounts,
  signal: AbortSignal,
  done: (everyTableIsLive: boolean) => boolean,
): Promise<boolean> {
  while (!signal.aborted) {
    if (server.ended !== null)
      throw new Error(`sluice serve ended (${server.ended}); its log: ${server.logPath}`);
    const { status, tables } = await mirror.look();
    const footer = `written meanwhile: ${counts.transactions} transactions, ${counts.rows} rows, ${counts.schemaChanges} schema changes`;
    screen.show({ status, tables, footer });
    if (status.state === 'failed') {
      throw new Error(
        `the task failed: ${status.error?.message ?? 'no reason given'} ${status.error?.remedy ?? ''}`,
      );
    }
    const live =
      tables.length > 0 && tables.every(({ phase }) => phase === 'incremental' || phase === 'blocklisted');
    if (done(live)) return true;
    await sleep(500, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

async function compare(mirror: Mirror, screen: Screen, shop: Shop, counts: WriterCounts): Promise<number> {
  screen.say(
    `\nThe writers stopped after ${counts.transactions} transactions (${counts.failed} rolled back).`,
  );
  const { position } = await mirror.caughtUp(300);
  screen.say(`The lake has caught up with ${position ?? 'the source'}. Comparing every table, row by row:\n`);
  const results = await shop.compare(mirror.lake, (result) => screen.say(comparisonLine(result)));
  const bad = results.filter((result) => !equal(result));
  const rows = results.reduce((sum, { sourceRows }) => sum + sourceRows, 0).toLocaleString('en-US');
  screen.say(
    bad.length === 0
      ? `\n${results.length} tables, ${rows} rows: source and lake are equal.`
      : `\n${bad.length} of ${results.length} tables differ.`,
  );
  return bad.length === 0 && results.length > 0 ? 0 : 1;
}

function comparisonLine(result: TableComparison): string {
  const count = (value: number) => value.toLocaleString('en-US').padStart(9);
  const differences = result.missing + result.extra + result.different;
  const head = `${equal(result) ? '✓' : '✗'} ${result.table.padEnd(22)} source ${count(result.sourceRows)}   lake ${count(result.lakeRows)}   differences ${differences}   checksum ${result.sourceChecksum}`;
  if (equal(result)) return head;
  const details = [result.problem ?? `lake's checksum ${result.lakeChecksum}`, ...result.examples];
  return [head, ...details.map((text) => `    ${text}`)].join('\n');
}

function sayWhereToLook(
  screen: Screen,
  server: ServerProcess,
  { schema }: Shop,
  root: string,
  studio: string,
): void {
  const here = (path: string) => relative(process.cwd(), path) || '.';
  const sluice = `node ${here(join(root, 'server', 'bin', 'sluice.js'))}`;
  const dataDir = `--data-dir ${here(server.dataDir)}`;
  screen.say(
    [
      '',
      'Every table is live. Where to look next:',
      `  Studio    ${studio}`,
      `  API       ${server.url}/api/v1/openapi.json`,
      `  Iceberg   ${server.url}/iceberg   (REST catalog; tables under ${here(join(server.dataDir, 'warehouse'))})`,
      `  token     ${here(server.tokenPath)}`,
      `  try       ${sluice} sql ${dataDir} "SELECT status, count(*), sum(total) FROM ${schema}.orders GROUP BY status"`,
      `            ${sluice} sql ${dataDir} "SELECT sum(balance) FROM ${schema}.accounts"      always 1000000`,
      `            ${sluice} task cdc tables shop-mirror ${dataDir}`,
      '',
    ].join('\n'),
  );
}
