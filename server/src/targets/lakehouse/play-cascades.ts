import { SluiceError } from '@sluice/contract';
import type { CascadeRule } from '../../model/cascade.ts';
import { CASCADE_OP, CHANGE_FIELDS, OP } from '../../model/change.ts';
import { type Column, tableKey, tableText } from '../../model/table.ts';
import type { ChangeBatch, ChangePart } from '../target.ts';
import { stagedName } from './change-lines.ts';
import type { Sql } from './sql.ts';

/** Foreign keys over the same columns, whatever they refer to: the lines tell what became of rows with these values. */
interface Group {
  readonly columns: readonly number[];
  readonly comparisons: CascadeRule['comparisons'];
}

/** How the lake's rows before the batch are read: these columns of all of them, as a relation with columns c<n>. */
export type AllRows = (columns: readonly number[]) => Promise<string>;

const UNSEEN_LETTERS = Object.values(CASCADE_OP)
  .map((op) => `'${op}'`)
  .join(', ');

/**
 * Does among the typed lines (`chg`) what the source's foreign keys did unseen: for each line of CASCADE_OP, the rows
 * that had these values right before it are deleted or changed, by lines of the kinds that the log has. Which rows
 * those are follows from the table as it was before the batch and from the lines up to there.
 *
 * Each row's life is cut into stretches between its lines; the first cascade that meets a stretch ends it and begins
 * the next one, so that effects which follow from one another come about in their order. Where rows refer to others of
 * the same table, those that go take more with them, earlier than what was found before: all is played again until
 * nothing new follows.
 *
 * `chg` then has a column `src`: the number that a line had, null for lines that were made here; `ord` is counted anew.
 * @returns files with the keys of rows that were deleted (ChangeBatch.tellDeleted)
 * @throws SluiceError TABLE_CASCADE where it cannot be told: the table has to be loaded anew
 */
export async function playCascades(
  sql: Sql,
  batch: ChangeBatch,
  allRows: AllRows | null,
): Promise<readonly ChangePart[] | null> {
  const rules = batch.schema.cascades ?? [];
  if (rules.length === 0 || batch.schema.identity.kind !== 'key') return null;
  const [met] = await sql.rows(`SELECT count(*) FROM chg WHERE op IN (${UNSEEN_LETTERS})`);
  if (Number(met?.[0] ?? 0) === 0) return null;
  const play = new Play(sql, batch, rules);
  return play.run(allRows);
}

class Play {
  readonly #sql: Sql;
  readonly #batch: ChangeBatch;
  readonly #rules: readonly CascadeRule[];
  readonly #groups: readonly Group[];
  readonly #key: readonly number[];
  /** Columns of all foreign keys. */
  readonly #columns: readonly number[];

  constructor(sql: Sql, batch: ChangeBatch, rules: readonly CascadeRule[]) {
    this.#sql = sql;
    this.#batch = batch;
    this.#rules = rules;
    this.#key = batch.schema.identity.kind === 'key' ? batch.schema.identity.columns : [];
    const groups = new Map<string, Group>();
    for (const rule of rules) {
      const columns = rule.columns.map((id) =>
        batch.schema.columns.findIndex((column) => column.sourceId === id),
      );
      const order = columns.map((_, n) => n).sort((a, b) => columns[a]! - columns[b]!);
      groups.set(order.map((n) => columns[n]!).join(), {
        columns: order.map((n) => columns[n]!),
        comparisons: order.map((n) => rule.comparisons[n]!),
      });
    }
    this.#groups = [...groups.values()];
    this.#columns = [...new Set(this.#groups.flatMap((group) => group.columns))].sort((a, b) => a - b);
  }

  async run(allRows: AllRows | null): Promise<readonly ChangePart[]> {
    await this.#takeCascades();
    await this.#refuseUnclear();
    await this.#beginLives(allRows);
    do {
      await this.#beginPlay();
      for (let round = 1; await this.#meet(round); round++);
    } while (await this.#ownFollow());
    await this.#intoLines();
    return this.#tellDeleted();
  }

  /** The lines of cascades, by group: `casc<g>` with ord, act, ts, the values that were (o<n>) and that came (c<n>). */
  async #takeCascades(): Promise<void> {
    for (const [g, group] of this.#groups.entries()) {
      const own = this.#maskIs('l', group);
      const too = this.#maskIs('n', group);
      const old = group.columns.map((index) => `l.${stagedName(index)} AS o${index}`).join(', ');
      const none = group.columns.map((index) => `NULL AS ${stagedName(index)}`).join(', ');
      const now = group.columns.map((index) => `n.${stagedName(index)}`).join(', ');
      await this.#sql.run(
        `CREATE TEMP TABLE casc${g} AS SELECT n.ord, l.op AS act, l.ts, ${old}, ${now} FROM chg l JOIN chg n ON n.ord = l.ord + 1 AND n.op = '${CASCADE_OP.to}' WHERE l.op = '${CASCADE_OP.from}' AND ${own} AND ${too}` +
          ` UNION ALL SELECT l.ord, l.op, l.ts, ${old}, ${none} FROM chg l WHERE l.op IN ('${CASCADE_OP.delete}', '${CASCADE_OP.empty}') AND ${own}`,
      );
    }
    await this.#sql.run(`DELETE FROM chg WHERE op IN (${UNSEEN_LETTERS})`);
  }

  /** Of all columns of foreign keys a line has just those of this group. */
  #maskIs(line: string, group: Group): string {
    const bits = this.#columns.map(
      (index) => `substr(${line}.mask, ${index + 1}, 1) = '${group.columns.includes(index) ? '0' : '1'}'`,
    );
    const whole = group.columns.length === this.#columns.length ? `${line}.mask IS NULL OR ` : '';
    return `(${whole}(${bits.join(' AND ')}))`;
  }

  async #refuseUnclear(): Promise<void> {
    const bit = (index: number): string => `substr(m.mask, ${index + 1}, 1) <> '0'`;
    const any = this.#columns.map(bit).join(' OR ');
    const some = this.#groups
      .map(
        ({ columns }) => `((${columns.map(bit).join(' OR ')}) AND NOT (${columns.map(bit).join(' AND ')}))`,
      )
      .join(' OR ');
    const [partial] = await this.#sql.rows(
      `SELECT count(*) FROM chg m LEFT JOIN chg k ON k.ord = m.ord - 1 AND k.op = 'K' WHERE m.mask IS NOT NULL AND (m.op = 'I' OR (k.ord IS NOT NULL AND (${any})) OR ${some})`,
    );
    if (Number(partial?.[0] ?? 0) > 0) throw this.#unclear('the log left values of its rows out');
    for (const [g, group] of this.#groups.entries()) {
      if (group.columns.some((index) => this.#key.includes(index))) {
        const [moved] = await this.#sql.rows(
          `SELECT count(*) FROM casc${g} WHERE act <> '${CASCADE_OP.delete}'`,
        );
        if (Number(moved?.[0] ?? 0) > 0) throw this.#unclear('rows of it may have got other keys');
      }
      const strange = strangeText(group, (index) => `o${index}`);
      if (strange === null) continue;
      const [odd] = await this.#sql.rows(`SELECT count(*) FROM casc${g} WHERE ${strange}`);
      if (Number(odd?.[0] ?? 0) > 0)
        throw this.#unclear('a key has letters of which a collation may know several as one');
    }
  }

  #unclear(why: string): SluiceError {
    return new SluiceError(
      'TABLE_CASCADE',
      `Foreign keys changed rows of ${tableText(this.#batch.schema.name)} unseen, and which ones cannot be told: ${why}.`,
    );
  }

  /**
   * `lives`: of each row that a cascade may mean, its stretches: from which line on (`syn` > 0: one that is made here,
   * by the group `g`) it has which values in the columns of foreign keys, or is gone.
   */
  async #beginLives(allRows: AllRows | null): Promise<void> {
    const keys = this.#names(this.#key);
    const both = this.#names([...new Set([...this.#key, ...this.#columns])]);
    const all = allRows === null ? null : await allRows([...new Set([...this.#key, ...this.#columns])]);
    await this.#sql.run(`CREATE TEMP TABLE before AS SELECT ${both} FROM chg LIMIT 0`);
    await this.#sql.run(`CREATE TEMP TABLE meant AS SELECT ${keys} FROM chg LIMIT 0`);
    for (const [g, group] of this.#groups.entries()) {
      const old = group.columns.map((index) => `o${index}`).join(', ');
      await this.#sql.run(`CREATE TEMP TABLE value${g} AS SELECT DISTINCT ${old} FROM casc${g}`);
      const [any] = await this.#sql.rows(`SELECT count(*) FROM value${g}`);
      if (Number(any?.[0] ?? 0) > 0) await this.#refuseStrange(group, all);
    }
    while (await this.#findMeant(all, both, keys));
    const told = this.#columns.map((index) => {
      const name = stagedName(index);
      return (
        `last_value(CASE WHEN op IN ('D', 'K') THEN {'v': NULL} WHEN mask IS NULL OR substr(mask, ${index + 1}, 1) = '0' THEN {'v': ${name}} END IGNORE NULLS) ` +
        `OVER (PARTITION BY ${keys} ORDER BY ord ROWS UNBOUNDED PRECEDING).v AS v${index}`
      );
    });
    await this.#sql.run(
      `CREATE TEMP TABLE lives AS SELECT ${keys}, ord, 0 AS syn, 0 AS g, op IN ('D', 'K') AS gone, ${told.join(', ')} FROM ` +
        `(SELECT -1 AS ord, 'U' AS op, NULL AS mask, ${both} FROM (SELECT DISTINCT * FROM before) UNION ALL ` +
        `SELECT ord, op, mask, ${both} FROM chg SEMI JOIN (SELECT DISTINCT * FROM meant) USING (${keys}))`,
    );
    for (const g of this.#groups.keys())
      await this.#sql.run(`CREATE TEMP TABLE own${g} AS SELECT * FROM casc${g} LIMIT 0`);
    await this.#sql.run(
      `CREATE TEMP TABLE made AS SELECT CAST(0 AS BIGINT) AS ord, 0 AS syn, '' AS op, CAST(0 AS BIGINT) AS ts, '' AS mask, ${both} FROM chg LIMIT 0`,
    );
  }

  async #refuseStrange(group: Group, all: string | null): Promise<void> {
    const strange = strangeText(group, stagedName);
    if (strange === null) return;
    const [told] = await this.#sql.rows(`SELECT count(*) FROM chg WHERE op IN ('I', 'U') AND (${strange})`);
    const [old] = all === null ? [] : await this.#sql.rows(`SELECT count(*) FROM ${all} l WHERE ${strange}`);
    if (Number(told?.[0] ?? 0) + Number(old?.[0] ?? 0) > 0)
      throw this.#unclear('rows have letters of which a collation may know several as one');
  }

  /**
   * The rows with values that a cascade may look for, before the batch (`before`) or in it. Where rows refer to others
   * of the same table, those that refer to these may be meant as well, and so on. @returns whether there may be more
   */
  async #findMeant(all: string | null, both: string, keys: string): Promise<boolean> {
    await this.#sql.run('DELETE FROM before');
    await this.#sql.run('DELETE FROM meant');
    for (const [g, group] of this.#groups.entries()) {
      const on = group.columns.map((index, n) => same(group, n, `l.${stagedName(index)}`, `c.o${index}`));
      const from = `SEMI JOIN value${g} c ON ${on.join(' AND ')}`;
      if (all !== null) await this.#sql.run(`INSERT INTO before SELECT ${both} FROM ${all} l ${from}`);
      await this.#sql.run(`INSERT INTO meant SELECT ${keys} FROM chg l ${from} WHERE l.op IN ('I', 'U')`);
    }
    await this.#sql.run(`INSERT INTO meant SELECT ${keys} FROM before`);
    let more = false;
    for (const { g, old } of this.#own()) {
      const [row] = await this.#sql.rows(
        `SELECT count(*) FROM (SELECT ${old} FROM meant EXCEPT SELECT * FROM value${g})`,
      );
      if (Number(row?.[0] ?? 0) === 0) continue;
      more = true;
      await this.#sql.run(`INSERT INTO value${g} SELECT ${old} FROM meant EXCEPT SELECT * FROM value${g}`);
    }
    return more;
  }

  /** Ends each stretch that a cascade meets, once. @returns whether any was met */
  async #meet(round: number): Promise<boolean> {
    const keys = this.#key.map((index) => `l.${stagedName(index)}`).join(', ');
    const joins = this.#groups.map((group, g) => {
      const on = group.columns.map((index, n) => same(group, n, `l.v${index}`, `c.o${index}`));
      const values = this.#columns.map((index) =>
        group.columns.includes(index)
          ? `CASE WHEN c.act = '${CASCADE_OP.delete}' THEN l.v${index} ELSE c.${stagedName(index)} END AS v${index}`
          : `l.v${index}`,
      );
      return (
        `SELECT ${keys}, l.ord AS from_ord, l.syn AS from_syn, c.ord, c.act, ${g} AS g, c.ts, ${values.join(', ')} FROM stretch l JOIN met${g} c ON ${on.join(' AND ')} ` +
        `AND (c.ord > l.ord OR (c.ord = l.ord AND l.syn > 0 AND l.g < ${g})) AND (l.next IS NULL OR c.ord < l.next)`
      );
    });
    const own = this.#names(this.#key);
    await this.#sql.run(
      `CREATE OR REPLACE TEMP TABLE stretch AS SELECT * FROM (SELECT *, lead(ord) OVER (PARTITION BY ${own} ORDER BY ord, syn) AS next FROM life) WHERE NOT gone`,
    );
    await this.#sql.run(
      `CREATE OR REPLACE TEMP TABLE hit AS SELECT * FROM (${joins.join(' UNION ALL ')}) QUALIFY row_number() OVER (PARTITION BY ${own}, from_ord, from_syn ORDER BY ord, g) = 1`,
    );
    const [count] = await this.#sql.rows('SELECT count(*) FROM hit');
    if (Number(count?.[0] ?? 0) === 0) return false;
    const values = this.#columns.map((index) => `v${index}`).join(', ');
    await this.#sql.run(
      `INSERT INTO life SELECT ${own}, ord, ${round}, g, act = '${CASCADE_OP.delete}', ${values} FROM hit`,
    );
    const masks = this.#groups.map((group, g) => `WHEN ${g} THEN '${this.#mask(group)}'`).join(' ');
    const fields = [...new Set([...this.#key, ...this.#columns])].map((index) =>
      this.#key.includes(index) ? stagedName(index) : `v${index}`,
    );
    await this.#sql.run(
      `INSERT INTO made SELECT ord, ${round}, CASE WHEN act = '${CASCADE_OP.delete}' THEN '${OP.delete}' ELSE '${OP.update}' END, ts, ` +
        `CASE WHEN act = '${CASCADE_OP.delete}' THEN NULL ELSE CASE g ${masks} END END, ${fields.join(', ')} FROM hit`,
    );
    return true;
  }

  async #beginPlay(): Promise<void> {
    await this.#sql.run('CREATE OR REPLACE TEMP TABLE life AS SELECT * FROM lives');
    await this.#sql.run('DELETE FROM made');
    for (const g of this.#groups.keys())
      await this.#sql.run(
        `CREATE OR REPLACE TEMP TABLE met${g} AS SELECT * FROM casc${g} UNION ALL SELECT * FROM own${g}`,
      );
  }

  /** What the rows that are gone now take with them of their own table. @returns whether that is news */
  async #ownFollow(): Promise<boolean> {
    let news = false;
    for (const [g, group] of this.#groups.entries()) {
      const none = group.columns.map(() => 'NULL').join(', ');
      const follow = this.#own()
        .filter((own) => own.g === g)
        .map(
          ({ old, act }) => `SELECT ord, '${act}', ts, ${old}, ${none} FROM made WHERE op = '${OP.delete}'`,
        )
        .join(' UNION ');
      if (follow === '') continue;
      const [row] = await this.#sql.rows(
        `SELECT count(*) FROM ((${follow}) EXCEPT SELECT * FROM own${g} UNION ALL (SELECT * FROM own${g} EXCEPT (${follow})))`,
      );
      if (Number(row?.[0] ?? 0) === 0) continue;
      news = true;
      await this.#sql.run(`DELETE FROM own${g}`);
      await this.#sql.run(`INSERT INTO own${g} ${follow}`);
    }
    return news;
  }

  /** Rules by which rows refer to others of the same table: their group, and the key's columns in its order. */
  #own(): readonly { readonly g: number; readonly old: string; readonly act: string }[] {
    const { schema } = this.#batch;
    return this.#rules.flatMap((rule) => {
      if (tableKey(rule.parent) !== tableKey(schema.name) || rule.onDelete === 'nothing') return [];
      const columns = rule.columns.map((id) => schema.columns.findIndex((column) => column.sourceId === id));
      const key = rule.referenced.map((name) => schema.columns.findIndex((column) => column.name === name));
      const sorted = [...columns].sort((a, b) => a - b);
      const g = this.#groups.findIndex((group) => group.columns.join() === sorted.join());
      const old = sorted.map((index) => stagedName(key[columns.indexOf(index)]!)).join(', ');
      return [{ g, old, act: rule.onDelete === 'delete' ? CASCADE_OP.delete : CASCADE_OP.empty }];
    });
  }

  /** Of a line that is made here, the values that the row has from before. */
  #mask(group: Group): string {
    const told = (index: number): boolean => this.#key.includes(index) || group.columns.includes(index);
    return this.#batch.schema.columns.map((_, index) => (told(index) ? '0' : '1')).join('');
  }

  async #intoLines(): Promise<void> {
    const all = this.#batch.schema.columns.map((_, index) => stagedName(index));
    const has = new Set([...this.#key, ...this.#columns]);
    const made = all.map((name, index) => (has.has(index) ? name : `NULL AS ${name}`));
    await this.#sql.run(
      `CREATE TEMP TABLE chg_played AS SELECT row_number() OVER (ORDER BY ord, syn) AS ord, src, op, ts, mask, ${all.join(', ')} FROM ` +
        `(SELECT ord, ord AS src, 0 AS syn, op, ts, mask, ${all.join(', ')} FROM chg UNION ALL SELECT ord, NULL, syn, op, ts, mask, ${made.join(', ')} FROM made)`,
    );
    await this.#sql.run('DROP TABLE chg');
    await this.#sql.run('ALTER TABLE chg_played RENAME TO chg');
  }

  /** Lines for tables whose rows refer to those that are gone, with the text that the source would have written. */
  async #tellDeleted(): Promise<readonly ChangePart[]> {
    const { schema, tellDeleted } = this.#batch;
    if (tellDeleted === null) return [];
    const [count] = await this.#sql.rows(`SELECT count(*), min(ord) FROM made WHERE op = '${OP.delete}'`);
    const rows = Number(count?.[0] ?? 0);
    if (rows === 0) return [];
    const file = `${tellDeleted}-${String(count?.[1])}.parquet`;
    const fields = schema.columns.map((column, index) => {
      const value = this.#key.includes(index) ? textOf(column, stagedName(index)) : 'CAST(NULL AS VARCHAR)';
      return `${value} AS f${CHANGE_FIELDS.length + index}`;
    });
    await this.#sql.run(
      `COPY (SELECT CAST(ord AS VARCHAR) AS f0, '${OP.deleteUnseen}' AS f1, CAST(ts AS VARCHAR) AS f2, CAST(NULL AS VARCHAR) AS f3, ${fields.join(', ')}, ` +
        `CAST(NULL AS VARCHAR) AS f${CHANGE_FIELDS.length + fields.length} FROM made WHERE op = '${OP.delete}' ORDER BY ord) TO '${file.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
    );
    return [
      {
        format: 'parquet',
        files: [file],
        columns: schema.columns,
        rows,
        longestLine: 0,
        masked: false,
        lossy: false,
        unseen: true,
        truncates: false,
      },
    ];
  }

  #names(indexes: readonly number[]): string {
    return indexes.map(stagedName).join(', ');
  }
}

/** Whether two values of a group's n-th column are equal to the foreign key. */
function same(group: Group, n: number, a: string, b: string): string {
  const { text, padded } = group.comparisons[n]!;
  const form = (value: string): string => {
    const short = padded ? `rtrim(${value}, ' ')` : value;
    return text === 'blind' ? `lower(${short})` : short;
  };
  return `${form(a)} = ${form(b)}`;
}

/** Holds where text is not printable ASCII that the group's comparison would have to know more of; null: never. */
function strangeText(group: Group, value: (index: number) => string): string | null {
  const tests = group.columns.flatMap((index, n) =>
    group.comparisons[n]!.text === 'exact' ? [] : [`NOT regexp_full_match(${value(index)}, '[ -~]*')`],
  );
  return tests.length === 0 ? null : tests.join(' OR ');
}

function textOf(column: Column, value: string): string {
  if (column.type.kind === 'binary') return `concat('\\x', hex(${value}))`;
  return `CAST(${value} AS VARCHAR)`;
}
