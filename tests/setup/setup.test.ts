import { describe, expect, it } from 'vitest';
import type { Terminal } from '../../server/src/cli/command.ts';
import { runCommandLine } from '../../server/src/cli/program.ts';
import { TestLake } from '../support/lake.ts';
import { sharedPostgres, type TestDatabase } from '../support/postgres.ts';

const MINUTES = 300_000;

interface Person {
  /** What is typed, by the beginning of the question; an empty text is Enter. */
  readonly types?: Readonly<Record<string, string>>;
  readonly agrees?: (question: string) => Promise<boolean>;
  readonly stdin?: string;
}

/** The command line with somebody at the terminal, or, without `types`, nobody. */
async function setup(lake: TestLake, argv: readonly string[], { types, agrees, stdin = '' }: Person = {}) {
  let out = '';
  let notes = '';
  const asked: string[] = [];
  const here = types !== undefined;
  const terminal: Terminal = {
    env: {},
    stdoutIsTerminal: false,
    stderrIsTerminal: here,
    stdinIsTerminal: here,
    write: (text) => {
      out += text;
    },
    note: (text) => {
      notes += text;
    },
    readStdin: async () => stdin,
    ask: agrees ?? (async () => true),
    line: async (question, hidden) => {
      const name = question.replace(/ [([].*|: $/s, '');
      asked.push(hidden ? `${name} (hidden)` : name);
      const answer = types?.[name];
      if (answer === undefined) throw new Error(`nobody knows: ${question}`);
      return answer;
    },
    interrupted: () => new AbortController().signal,
  };
  const code = await runCommandLine(['setup', '--data-dir', lake.dataDir, ...argv], terminal);
  return { code, out, notes, asked };
}

async function shop(): Promise<TestDatabase> {
  const database = await sharedPostgres().createDatabase();
  await database.query(`CREATE TABLE orders (id int PRIMARY KEY, n int); CREATE TABLE items (id int PRIMARY KEY);
    INSERT INTO orders SELECT i, i FROM generate_series(1, 100) i`);
  return database;
}

const flags = ({ connection: { host, port, username, database } }: TestDatabase): string[] => [
  '--host',
  host,
  '--port',
  String(port),
  '--username',
  username,
  '--database',
  database,
];

describe('sluice setup', () => {
  it(
    'ends with a running mirror where nobody is asked, and says which flag is missing',
    async () => {
      await using database = await shop();
      await using lake = await TestLake.start();
      const stdin = `${database.connection.password}\n`;
      const missing = await setup(lake, ['--host', 'localhost']);
      expect(missing.code).toBe(2);
      expect(missing.notes).toContain('--username is needed');
      const wrong = await setup(lake, [...flags(database), '--password-stdin', '--database', 'nosuch'], {
        stdin,
      });
      expect(wrong.notes).toContain('SOURCE_NO_DATABASE');
      const options = ['--password-stdin', '--source', 'shop', '--name', 'mirror', '--folder', 'new'];
      const { code, out, notes } = await setup(lake, [...flags(database), ...options], { stdin });
      expect([code, notes]).toEqual([0, '']);
      expect(JSON.parse(out)).toMatchObject({
        data: {
          task: 'mirror',
          source: 'shop',
          reached: true,
          status: { state: 'running', tables: { live: 2 } },
        },
      });
      expect(await lake.differences(database.url)).toEqual([]);
      // The only data source and its database are known by now, and the names are free.
      const second = await setup(lake, ['--tables', 'orders', '--name', 'second', '--target-schema', 'two']);
      expect(JSON.parse(second.out)).toMatchObject({ data: { status: { tables: { total: 1 } } } });
      expect((await setup(lake, ['--name', 'second'])).notes).toContain('ALREADY_EXISTS');
    },
    MINUTES,
  );

  it(
    'makes one table of shards, and says before there is a task that some do not go together',
    async () => {
      await using database = await sharedPostgres().createDatabase();
      await database.query(`CREATE TABLE o_1 (id int PRIMARY KEY, n int); CREATE TABLE o_2 (LIKE o_1 INCLUDING ALL);
        INSERT INTO o_1 VALUES (1, 1), (2, 2); INSERT INTO o_2 VALUES (2, 3);
        CREATE TABLE p_1 (id int PRIMARY KEY); CREATE TABLE p_2 (id text PRIMARY KEY)`);
      await using lake = await TestLake.start();
      const person: Person = {
        types: {
          'Kind of database': '',
          Host: database.connection.host,
          Port: String(database.connection.port),
          Account: database.connection.username,
          Password: database.connection.password,
          Database: database.name,
          'Name of this data source': 'shop',
          'Database to mirror': '',
          'All of it, some tables, or shards that become one table': 'merge',
          'Tables that become one, as a pattern such as orders_\\d+': 'o_\\d',
          'The table that they become, as schema.table': 'lake.orders',
          'May two shards hold rows with equal keys': 'yes',
          'Is the source prepared for change capture, or shall that be checked': 'check',
          'Name of the task': 'merged',
          Folder: '',
        },
      };
      const { code, notes, asked } = await setup(lake, [], person);
      expect(code, notes).toBe(0);
      expect(asked.length).toBe(Object.keys(person.types ?? {}).length);
      expect(notes).toContain('The shards go together exactly.');
      await lake.caughtUp('merged');
      expect(await lake.sql('SELECT id, n, _schema, _table FROM lake.orders ORDER BY n')).toMatchObject({
        rows: [
          [1, 1, 'public', 'o_1'],
          [2, 2, 'public', 'o_1'],
          [2, 3, 'public', 'o_2'],
        ],
      });
      const options = ['--source', 'shop', '--match', 'table=p_\\d', '--target', 'lake.p'];
      const refused = await setup(lake, [...options, '--name', 'other', '--folder', 'new']);
      expect(refused.code).toBe(1);
      expect(refused.notes).toMatch(/MERGE_REFUSED.*pk column type mismatch/s);
      expect(await (await lake.api()).get('/tasks')).toHaveLength(1);
    },
    MINUTES,
  );

  it(
    'asks a person for what is not known, shows what the source lacks, and looks again',
    async () => {
      await using database = await shop();
      await using lake = await TestLake.start();
      const role = `${database.name}_reader`;
      const { host, port } = database.connection;
      await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'let-me-in';
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
      try {
        const questions: string[] = [];
        const person: Person = {
          types: {
            'Kind of database': '',
            Host: host,
            Port: String(port),
            Account: role,
            Password: 'let-me-in',
            Database: database.name,
            'Name of this data source': 'shop',
            'Database to mirror': '',
            'Which, with commas between them': 'orders',
            'Schema in the lakehouse': 'lake',
            'Is the source prepared for change capture, or shall that be checked': '',
            'Name of the task': 'mirror',
            Folder: '',
          },
          agrees: async (question) => {
            questions.push(question);
            if (question.startsWith('Look again'))
              await database.query(`ALTER ROLE ${role} REPLICATION; ALTER TABLE orders OWNER TO ${role};
                GRANT CREATE ON DATABASE ${database.name} TO ${role}; GRANT CREATE ON SCHEMA public TO ${role}`);
            return questions.length < 3;
          },
        };
        const { code, out, notes, asked } = await setup(lake, ['--mode', 'tables'], person);
        expect(code, notes).toBe(0);
        expect(asked).toEqual(
          Object.keys(person.types ?? {}).map((name) => (name === 'Password' ? 'Password (hidden)' : name)),
        );
        expect(questions).toEqual(['Look again, once that is mended?', 'Make, publish and start it?']);
        expect(notes).toContain(`ALTER ROLE`);
        expect(notes).toContain('public.items');
        expect(JSON.parse(out)).toMatchObject({ data: { reached: true } });
        expect(await lake.sql('SELECT count(*)::int FROM lake.orders')).toMatchObject({ rows: [[100]] });
        await lake.stop('mirror');
        // All is known: nothing is asked but whether to begin.
        const known = [
          '--source',
          'shop',
          '--database',
          database.name,
          '--mode',
          'database',
          '--target-schema',
          'x',
        ];
        const refused = await setup(lake, [...known, '--prepared', '--name', 'other', '--folder', 'new'], {
          types: {},
          agrees: async () => false,
        });
        expect([refused.code, refused.asked]).toEqual([1, []]);
        expect(refused.notes).toContain('Nothing was started');
        expect(await (await lake.api()).get('/tasks')).toHaveLength(1);
      } finally {
        const api = await lake.api();
        await api.post('/tasks/mirror/undeploy', { confirm: true }).catch(() => {});
        await database.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`).catch(() => {});
      }
    },
    MINUTES,
  );
});
