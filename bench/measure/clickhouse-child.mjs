// ClickHouse in a process of its own, whose working folder is above the warehouse: it reads only below it.
// stdin: a query a line, as JSON; stdout: a line for each, when its answer was there.
import { createInterface } from 'node:readline';
import { Session } from 'chdb';

const session = new Session();
for await (const line of createInterface({ input: process.stdin })) {
  let answer = {};
  try {
    session.query(JSON.parse(line), 'Null');
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
session.close();
