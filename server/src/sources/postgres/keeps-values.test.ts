import { describe, expect, it } from 'vitest';
import { sharedPostgres } from '../../../../tests/support/postgres.ts';
import { sameType, widens } from '../../model/logical-type.ts';
import type { Column } from '../../model/table.ts';
import { keepsValues } from './keeps-values.ts';
import { loadTable, never, openSource } from './testing/reading.ts';

const TYPES: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true'],
  smallint: ['-1'],
  integer: ['-1', '7'],
  bigint: ['-1', '4294967297'],
  oid: ['4294967295'],
  regclass: ["'pg_class'"],
  regtype: ["'integer'"],
  'numeric(10,2)': ['1.50'],
  'numeric(12,2)': ['1.50'],
  'numeric(12,3)': ['1.500'],
  numeric: ['1.5000'],
  real: ['0.1'],
  'double precision': ['0.1'],
  money: ['1'],
  text: ["'a '", "'1'"],
  'varchar(10)': ["'a '"],
  'varchar(20)': ["'a '"],
  varchar: ["'a '"],
  'char(3)': ["'a'"],
  'char(5)': ["'a'"],
  bpchar: ["'a '"],
  '"char"': ["'a'"],
  name: ["'a'"],
  'public.citext': ["'aB '"],
  'public.text_domain': ["'a '"],
  'public.cidr_domain': ["'10.0.0.1/32'"],
  xml: [`'<?xml version="1.0" encoding="latin1"?><a/>'`],
  json: ['\'{"a":  1}\''],
  jsonb: ['\'{"a":  1}\''],
  bytea: ["'\\x6869'"],
  cidr: ["'10.0.0.1/32'", "'10.0.0.0/8'"],
  inet: ["'10.0.0.1'"],
  'bit(1)': ["B'1'"],
  'bit(3)': ["B'101'"],
  '"bit"': ["B'101'"],
  'varbit(3)': ["B'101'"],
  varbit: ["B'101'"],
  date: ["'2024-02-29'"],
  'time(3)': ["'12:00:00.5'"],
  time: ["'12:00:00.5'"],
  timetz: ["'12:00:00.5+02'"],
  'timestamp(3)': ["'2024-02-29 12:00:00.5'"],
  timestamp: ["'2024-02-29 12:00:00.5'"],
  'timestamptz(3)': ["'2024-02-29 12:00:00.5+00'"],
  timestamptz: ["'2024-02-29 12:00:00.5+00'"],
  'interval day to second(3)': ["'1 day 00:00:01.5'"],
  'interval(3)': ["'1 day 00:00:01.5'"],
  interval: ["'1 day 00:00:01.5'"],
  int2vector: ["'1 2'"],
  oidvector: ["'1 2'"],
  int4range: ["'[1,5)'"],
  int4multirange: ["'{[1,5)}'"],
  'public.mood': ["'x'"],
  'public.pair': ["'(1,x)'"],
  'integer[]': ["'{-1,7}'"],
  'bigint[]': ["'{-1}'"],
  'oid[]': ["'{4294967295}'"],
  'text[]': ['\'{"a "}\''],
  'varchar(10)[]': ['\'{"a "}\''],
  'varchar(20)[]': ['\'{"a "}\''],
  'char(5)[]': ["'{a}'"],
  'public.citext[]': ["'{aB}'"],
  'cidr[]': ["'{10.0.0.1/32}'"],
  'inet[]': ["'{10.0.0.1}'"],
  'numeric(10,2)[]': ["'{1.50}'"],
  'numeric(12,2)[]': ["'{1.50}'"],
  'timestamp(3)[]': ["'{2024-02-29 12:00:00.5}'"],
  'timestamp[]': ["'{2024-02-29 12:00:00.5}'"],
};

const column = (native: string): Column => ({
  name: 'c',
  sourceId: 1,
  type: { kind: 'string' },
  text: { form: 'plain' },
  nullable: true,
  native,
});

describe('keepsValues', () => {
  it.each([
    ['character varying(10)', 'character varying(20)', true],
    ['character varying(10)', 'text', true],
    ['character varying(10)[]', 'public.citext[]', true],
    ['interval day to second(3)', 'interval', true],
    ['timestamp(3) without time zone', 'timestamp without time zone', true],
    ['bit(3)', 'bit varying(5)', true],
    ['public."a(1)"', 'public."a(2)"', false],
    ['text', 'text[]', false],
    ['text', 'public.text', false],
    ['cidr', 'inet', false],
    ['integer', 'oid', false],
    ['public.mood', 'public.feeling', false],
  ])('%s to %s: %s', (was, now, kept) => {
    expect(keepsValues(column(was), column(now))).toBe(kept);
  });

  it('is true of no change without a rewrite by which a value reads otherwise', async () => {
    await using db = await sharedPostgres().createDatabase();
    await db.query(`CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('x'); CREATE TYPE pair AS (a int, b text);
      CREATE DOMAIN text_domain AS text; CREATE DOMAIN cidr_domain AS cidr; SET timezone = 'UTC'`);
    const names = Object.keys(TYPES);
    await using source = await openSource(db.connection);
    const look = async (table: string) => {
      const [found] = await source.discover({ schemas: [], tables: [{ schema: 'public', table }] }, never);
      const { schema, storage } = found!;
      return {
        column: schema.columns[0]!,
        storage,
        values: await loadTable(source, schema.name, schema.columns),
      };
    };
    let tables = 0;
    const make = async (type: string) => {
      const name = `m${tables++}`;
      await db.query(
        `CREATE TABLE ${name} (c ${type}); INSERT INTO ${name} VALUES ${TYPES[type]!.map((value) => `(${value})`).join(', ')}`,
      );
      return { name, ...(await look(name)) };
    };
    const unlike: string[] = [];
    const anew: string[] = [];
    let followed = 0;
    for (const was of names) {
      let table = await make(was);
      for (const now of names) {
        if (now === was) continue;
        const altered = await db.query(`BEGIN; ALTER TABLE ${table.name} ALTER c TYPE ${now}`).then(
          () => true,
          () => false,
        );
        const rewritten =
          !altered ||
          (await db.query(`SELECT pg_relation_filenode('${table.name}')::text AS storage`)).rows[0]
            .storage !== table.storage;
        await db.query(rewritten ? 'ROLLBACK' : 'COMMIT');
        if (rewritten) continue;
        const after = await look(table.name);
        const { type } = table.column;
        const like = JSON.stringify(after.values) === JSON.stringify(table.values);
        if (sameType(type, after.column.type) || widens(type, after.column.type)) {
          if (!keepsValues(table.column, after.column)) anew.push(`${was} → ${now}`);
          else {
            followed++;
            if (!like) unlike.push(`${was} → ${now}`);
          }
        }
        table = await make(was);
      }
    }
    expect(unlike).toEqual([]);
    expect(anew).toEqual(expect.arrayContaining(['cidr → inet', 'xml → text', 'integer → oid']));
    expect(followed).toBeGreaterThan(20);
  });
});
