// Runs as a process of its own, whose working folder is above the warehouse: ClickHouse reads only below it.
// stdin: {"queries": [sql, …]}; stdout: [rows, …], each row an array.
import { Session } from 'chdb';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { queries } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
const session = new Session();
try {
  // It reads a file's rows before it leaves out those that are deleted, and would refuse the file for a date of one of these.
  session.query("SET date_time_overflow_behavior = 'saturate'");
  const answers = queries.map((sql) => {
    const text = session.query(sql, 'JSONCompactEachRow');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  });
  await new Promise((resolve) => process.stdout.write(JSON.stringify(answers), resolve));
} finally {
  session.close();
}
