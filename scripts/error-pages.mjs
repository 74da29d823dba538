// node scripts/error-pages.mjs: writes docs/errors.md and docs/errors/ anew from contract/src/errors.ts and
// contract/src/error-pages/ (after npm run build). tests/structure.test.ts fails while they say something else.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MADE = (from) =>
  `<!-- Written by scripts/error-pages.mjs from ${from}. Change that, then run the script. -->`;

const HEAD = `# Errors

${MADE('contract/src/errors.ts and contract/src/error-pages/')}

Every error has a code, a message that says what happened to what, and a remedy. Each code has its page; \`sluice errors
CODE\` prints the same without a network or a server.

- **tried again: always** — the other side is away. New attempts with pauses of 1, 2, 4 … 30 s, without an end.
- **tried again: limited** — a fault that may pass. The same pauses; after \`failover_limit\` (10) failures without progress
  within \`failover_window\` (10 min) the run has failed with \`FAILOVER_LIMIT\`.
- **tried again: never** — the run has failed; somebody must act, then start the task.

Whatever ended an attempt, nothing that was committed is lost, and the next one goes on from there.

## Leaving the blocklist

Mend the cause first. Then:

- A table that was stopped by \`TABLE_NO_KEY\`, \`TABLE_NO_IDENTITY\`, \`TABLE_NO_SELECT\`, \`TABLE_CASCADE\`, \`TABLE_ENGINE\`,
  \`MYSQL_BINLOG_FILTER\` or \`MYSQL_REPLICA_UPDATES\` comes back by itself: a running task looks every \`discover_interval\`.
  So does one that is made again under its old name, whatever had stopped the old one.
- For the other codes \`sluice task cdc start-table T TABLE\`: a table whose changes were kept (\`stalled\`, after
  \`TABLE_VALUE\`, \`TABLE_KEY_LENGTH\` or \`TABLE_SCHEMA_CHANGED\`) applies them, without a load; another one (\`blocked\`) is loaded anew. A start of the whole task by hand
  tries every such table; a failover does not.
- After \`TABLE_NAME_TAKEN\` publish another naming rule and start the task stateless.

A load goes on beside what the table showed, and the others are not touched ([tables.md](tables.md)).

## By what is seen

Other programs that read logs call their troubles otherwise, and have some that do not exist here.

| what is seen                                                               | here                                                                                                                                                                        |
| -------------------------------------------------------------------------- | --------------------------------------------------------------------------------------------------------------------------------------------------------------------------- |
| the log no longer has the position: files were purged, a slot is gone      | at a resume \`BINLOG_PURGED\`, \`PG_SLOT_MISSING\`, \`PG_SLOT_INVALIDATED\`; at a start from a place of choice \`POSITION_EXPIRED\`                                                 |
| another replica has the same server id or uuid                             | \`SERVER_ID_TAKEN\`: another number from 5400 to 6400 is taken, in most cases without a new attempt                                                                           |
| another process reads the slot                                             | \`PG_SLOT_IN_USE\`                                                                                                                                                            |
| the server's time zone is not the configured one                           | no value depends on it: timestamps are read as UTC, in which servers keep them. \`check-cdc\` compares the zone with the one that the data source expects (\`MYSQL_TIME_ZONE\`) |
| an event exceeds \`max_allowed_packet\`                                      | \`EVENT_TOO_LARGE\`                                                                                                                                                           |
| an encoded key exceeds 128 bytes                                           | \`TABLE_KEY_LENGTH\`                                                                                                                                                          |
| a field exceeds 10 MB                                                      | there is no such limit; where memory does not suffice \`RUNNER_MEMORY\`                                                                                                       |
| the lakehouse cannot be committed to                                       | \`METASTORE_BUSY\`, \`STORAGE_FULL\`, \`STORAGE_FAILED\`, \`COMMIT_CONFLICT\`: tried again by itself, from the last commit                                                          |
| the log's connection ends, or events are cut off, under a burst of changes | servers are asked for an hour's patience with a reader that is held up; where a connection ends all the same \`SOURCE_INTERRUPTED\`, and it is made anew                      |
| a change of a table's schema is not followed                               | \`TABLE_SCHEMA\`; in a merge with the reason \`pk column different\`, \`pk column type mismatch\` or \`invalid modify column\`                                                      |
| two shards hold the same key                                               | \`TABLE_KEY_CONFLICT\`                                                                                                                                                        |
| the source cannot be read for want of a setting or a right                 | \`PG_WAL_LEVEL\`, \`PG_NO_REPLICATION\`, \`MYSQL_BINLOG_OFF\`, \`MYSQL_BINLOG_FORMAT\`, \`MYSQL_NO_REPLICATION\`: \`check-cdc\` has the statement                                       |

In the lists below the word behind each code says whether it is tried again.
`;

/**
 * @param {readonly { title: string, intro: string, texts: Readonly<Record<string, { means: string }>> }[]} groups
 * @param {(code: string) => { retry: string }} pageOf
 * @returns {string} the index
 */
export function errorIndex(groups, pageOf) {
  const sections = groups.map(({ title, intro, texts }) => {
    const lines = Object.entries(texts).map(
      ([code, { means }]) => `- [${code}](errors/${code}.md) (${pageOf(code).retry}): ${means}\n`,
    );
    return `\n## ${title}\n\n${intro === '' ? '' : `${intro}\n\n`}${lines.join('')}`;
  });
  return HEAD + sections.join('');
}

/** Texts are written as from docs/. */
const below = (text) => text.replaceAll(/\]\((?!https?:)([^)]+)\)/g, '](../$1)');

/** @returns {string} the page of one code */
export function errorPageText({ code, scope, reach, retry, again, status, remedy, means, comesFrom, toDo }) {
  return `# ${code}

${MADE('contract/src/errors.ts and contract/src/error-pages/')}

_Scope: ${scope} · tried again: ${retry} · HTTP ${status}_

**Means.** ${below(means)}

**Comes from.** ${below(comesFrom)}

**Do.** ${below(toDo)}

**Reaches.** ${reach}

**Tried again by itself?** ${again}

**What is shown with it.** ${remedy.replaceAll(/[<*]/g, '\\$&')}

[All errors](../errors.md)
`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const { ERROR_GROUPS, ERRORS, errorPage } = await import('../contract/dist/index.js');
  const folder = join(root, 'docs', 'errors');
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (!(file.slice(0, -3) in ERRORS)) rmSync(join(folder, file));
  writeFileSync(join(root, 'docs', 'errors.md'), errorIndex(ERROR_GROUPS, errorPage));
  for (const code of Object.keys(ERRORS))
    writeFileSync(join(folder, `${code}.md`), errorPageText(errorPage(code)));
}
