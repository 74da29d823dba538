import { type DdlCase, WITHOUT_B } from './ddl-case.ts';

const ROWS = `SELECT n, CONCAT('é', n), n FROM numbers WHERE n <= 40`;

/** A column keeps its values under its new definition, and what is computed from it does not. */
export const GENERATED: readonly DdlCase[] = [
  {
    name: 'computed_bytes',
    create: [
      `CREATE TABLE $ (id int PRIMARY KEY, a varchar(50) CHARACTER SET latin1, b int, c int AS (LENGTH(a)) STORED)`,
    ],
    fill: `INSERT INTO $ (id, a, b) ${ROWS}`,
    ddl: ['ALTER TABLE $ MODIFY a varchar(50) CHARACTER SET utf8mb4'],
    after: WITHOUT_B,
  },
  {
    name: 'computed_chain',
    create: [
      `CREATE TABLE $ (id int PRIMARY KEY, a varchar(50) CHARACTER SET latin1, b int, c int AS (LENGTH(a)) VIRTUAL,
        \`d d\` int AS (c * 2) VIRTUAL, e int AS (\`d d\` + 1) STORED)`,
    ],
    fill: `INSERT INTO $ (id, a, b) ${ROWS}`,
    ddl: ['ALTER TABLE $ MODIFY A varchar(60) CHARACTER SET utf8mb4 AFTER b'],
    after: WITHOUT_B,
  },
  {
    name: 'computed_equality',
    columns: `c int AS (a = 'A1') VIRTUAL, d int AS (a LIKE 'A%') STORED`,
    ddl: ['ALTER TABLE $ MODIFY a varchar(50) COLLATE utf8mb4_bin'],
    after: WITHOUT_B,
  },
  {
    name: 'computed_time',
    columns: `t datetime DEFAULT '2024-02-29 01:02:03', c varchar(40) AS (CONCAT(t, '')) STORED, d varchar(40) AS (CONCAT(t, '')) VIRTUAL`,
    ddl: ['ALTER TABLE $ MODIFY t datetime(6) DEFAULT NULL'],
    after: `INSERT INTO $ (id, t) VALUES ($N, '2024-02-29 01:02:03.456'); DELETE FROM $ WHERE id = 7`,
  },
  {
    name: 'computed_elsewhere',
    columns: 'c int AS (b * 2) STORED, d int AS (b * 3) VIRTUAL',
    ddl: ['ALTER TABLE $ MODIFY a varchar(300)'],
    after: `${WITHOUT_B}; UPDATE $ SET b = 9 WHERE id = 9`,
    noReload: true,
  },
];
