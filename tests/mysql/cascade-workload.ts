import type { Random } from '../property/random.ts';

/** Tables that foreign keys tie together in every way that a rule of theirs can reach rows. */
export const CASCADE_TABLES: readonly string[] = [
  'CREATE TABLE root (id int PRIMARY KEY, v int)',
  `CREATE TABLE branch (id int PRIMARY KEY, root int, v int,
    FOREIGN KEY (root) REFERENCES root (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
  `CREATE TABLE leaf (id bigint PRIMARY KEY, branch int, near int, v text,
    CONSTRAINT \`leaf \`\` of\` FOREIGN KEY (branch) REFERENCES branch (id) ON DELETE CASCADE,
    FOREIGN KEY (near) REFERENCES root (id) ON DELETE SET NULL ON UPDATE SET NULL)`,
  `CREATE TABLE tree (id int PRIMARY KEY, parent int, v int, FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE CASCADE)`,
  `CREATE TABLE chain (id int PRIMARY KEY, parent int, v int, FOREIGN KEY (parent) REFERENCES chain (id) ON DELETE SET NULL)`,
  'CREATE TABLE pair (a int unsigned, b varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v int, PRIMARY KEY (b, a))',
  `CREATE TABLE of_pair (a int unsigned, n int, b varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, v int,
    PRIMARY KEY (n), FOREIGN KEY (b, a) REFERENCES pair (b, a) ON DELETE CASCADE ON UPDATE CASCADE)`,
  'CREATE TABLE named (id char(8) CHARACTER SET latin1 PRIMARY KEY, v int)',
  `CREATE TABLE of_named (id char(8) CHARACTER SET latin1, n int, v int, PRIMARY KEY (id, n),
    FOREIGN KEY (id) REFERENCES named (id) ON DELETE CASCADE)`,
  'CREATE TABLE bytes_key (id binary(4) PRIMARY KEY, v int)',
  `CREATE TABLE of_bytes (n int PRIMARY KEY, id binary(4), other binary(4),
    FOREIGN KEY (id) REFERENCES bytes_key (id) ON DELETE CASCADE ON UPDATE SET NULL,
    FOREIGN KEY (other) REFERENCES bytes_key (id) ON DELETE SET NULL ON UPDATE CASCADE)`,
];

const IDS = 12;

/** One statement, which may fail by the rules of the tables; then it did nothing. */
export function cascadeStatement(random: Random): string {
  const id = (): number => random.between(1, IDS);
  const orNull = (value: number | string): string => (random.between(0, 4) === 0 ? 'NULL' : String(value));
  const v = (): number => random.between(0, 1000);
  const name = (): string => `'${random.pick(['a', 'A', 'b', 'B ', 'ab', 'Ab', 'c', "d''e", 'a '])}'`;
  const bytes = (): string => `0x${random.pick(['00000000', '61000000', '00ff0041', '2c220a00'])}`;
  switch (random.between(0, 30)) {
    case 0:
    case 1:
    case 2:
      return `INSERT INTO root VALUES (${id()}, ${v()})`;
    case 3:
    case 4:
    case 5:
      return `INSERT INTO branch VALUES (${id()}, ${orNull(id())}, ${v()})`;
    case 6:
    case 7:
    case 8:
    case 9:
      return `INSERT INTO leaf VALUES (${random.between(1, 40)}, ${orNull(id())}, ${orNull(id())}, REPEAT('x', ${v()}))`;
    case 10:
    case 11:
      return `DELETE FROM root WHERE id IN (${id()}, ${id()})`;
    case 12:
      return `UPDATE root SET id = ${id()}, v = ${v()} WHERE id = ${id()}`;
    case 13:
      return `DELETE FROM branch WHERE id = ${id()}`;
    case 14:
      return `UPDATE branch SET root = ${orNull(id())} WHERE id IN (${id()}, ${id()})`;
    case 15:
      return `UPDATE leaf SET v = 'changed', near = ${orNull(id())} WHERE branch = ${id()}`;
    case 16:
      return `REPLACE INTO root VALUES (${id()}, ${v()})`;
    case 17:
    case 18:
      return `INSERT INTO tree VALUES (${id()}, ${orNull(id())}, ${v()})`;
    case 19:
      return `DELETE FROM tree WHERE id = ${id()}`;
    case 20:
      return `UPDATE tree SET parent = ${orNull(id())} WHERE id = ${id()}`;
    case 21:
      return `INSERT INTO chain VALUES (${id()}, ${orNull(id())}, ${v()})`;
    case 22:
      return `DELETE FROM chain WHERE id = ${id()}`;
    case 23:
      return `INSERT INTO pair VALUES (${random.between(1, 3)}, ${name()}, ${v()})`;
    case 24:
      return `INSERT INTO of_pair VALUES (${random.between(1, 3)}, ${random.between(1, 20)}, ${orNull(name())}, ${v()})`;
    case 25:
      return random.between(0, 1) === 0
        ? `DELETE FROM pair WHERE b = ${name()}`
        : `UPDATE pair SET a = ${random.between(1, 3)}, b = ${name()} WHERE b = ${name()} LIMIT 1`;
    case 26:
      return random.pick([
        `INSERT INTO named VALUES (${name()}, ${v()})`,
        `DELETE FROM named WHERE id = ${name()}`,
      ]);
    case 27:
      return `INSERT INTO of_named VALUES (${name()}, ${random.between(1, 3)}, ${v()})`;
    case 28:
      return `INSERT INTO bytes_key VALUES (${bytes()}, ${v()})`;
    case 29:
      return `INSERT INTO of_bytes VALUES (${random.between(1, 20)}, ${orNull(bytes())}, ${orNull(bytes())})`;
    default:
      return random.pick([
        `DELETE FROM bytes_key WHERE id = ${bytes()}`,
        `UPDATE bytes_key SET id = ${bytes()} WHERE id = ${bytes()}`,
      ]);
  }
}
