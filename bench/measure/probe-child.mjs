// The independent reader: asks the catalog over Iceberg's REST protocol where a table's metadata is, and ClickHouse
// what is in it. Nothing of ours is imported. Its working folder is above the warehouse: ClickHouse reads only below it.
// Arguments: URL of the table in the catalog, its token, the name of a column that grows.
// stdout: a line {"upTo", "at"} each time that the greatest value grew, `at` in ms since 1970 when the answer was there.
import { setTimeout as pause } from 'node:timers/promises';
import { Session } from 'chdb';

const [url, token, column] = process.argv.slice(2);
const EVERY_MS = 50;
const session = new Session();
let tag = '';
let greatest = -1;
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));

for (;;) {
  const begun = Date.now();
  try {
    const response = await fetch(`${url}?snapshots=refs`, {
      headers: { authorization: `Bearer ${token}`, ...(tag === '' ? {} : { 'if-none-match': tag }) },
    });
    if (response.status === 200) {
      tag = response.headers.get('etag') ?? '';
      const { 'metadata-location': location } = await response.json();
      const file = location.replace(/^file:\/\//, '');
      const folder = file.replace(/\/metadata\/[^/]+$/, '');
      const relative = file.slice(folder.length + 1);
      const text = session.query(
        `SELECT max(${column}) FROM icebergLocal('${folder}', 'Parquet', SETTINGS iceberg_metadata_file_path = '${relative}')`,
        'JSONCompactEachRow',
      );
      const upTo = Number(JSON.parse(text)[0]);
      if (upTo > greatest) {
        greatest = upTo;
        process.stdout.write(`${JSON.stringify({ upTo, at: Date.now() })}\n`);
      }
    } else await response.arrayBuffer();
  } catch (error) {
    process.stderr.write(`probe: ${error}\n`);
  }
  await pause(Math.max(1, EVERY_MS - (Date.now() - begun)));
}
