import { describe, expect, it } from 'vitest';
import { namePattern } from './name-pattern.ts';
import type { Shard } from './shard.ts';
import { type ShardChoice, shardMatch } from './shard-match.ts';

function match(choice: ShardChoice) {
  const made = shardMatch(choice);
  if ('troubles' in made) throw new Error(JSON.stringify(made.troubles));
  return made;
}

const shard = (server: string, database: string, table: string, schema = 'public'): Shard => ({
  server,
  database,
  schema,
  table,
});

describe('namePattern', () => {
  const matches = (pattern: string, name: string): boolean => {
    const made = namePattern(pattern);
    if (typeof made !== 'function') throw new Error(made.error);
    return made(name);
  };

  it('wants the whole name, alternatives included, and minds case', () => {
    expect(matches('orders_\\d+', 'orders_12')).toBe(true);
    expect(matches('orders_\\d+', 'orders_12_old')).toBe(false);
    expect(matches('orders_\\d+', 'my_orders_12')).toBe(false);
    expect(matches('a|b', 'ab')).toBe(false);
    expect(matches('orders', 'Orders')).toBe(false);
    expect(matches('(?i)orders', 'Orders')).toBe(true);
    expect(matches('订单_\\d', '订单_1')).toBe(true);
  });

  it('takes time linear in the name where other engines would not come back', () => {
    const evil = ['(a+)+b', '(a|a)*b', '(a|aa)+b', '(.*.*)*b', '(?:a?){500}a{500}'];
    const begun = performance.now();
    for (const pattern of evil) expect(matches(pattern, 'a'.repeat(20_000)), pattern).toBe(false);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it('says what is wrong with a pattern, and refuses what only backtracking can do', () => {
    for (const pattern of ['(', '(?=a)a', '(a)\\1', 'a{1001}', '((a{100}){100}){100}', '[z-a]'])
      expect(namePattern(pattern), pattern).toHaveProperty('error');
  });
});

describe('shardMatch', () => {
  it('takes whatever one of the rules matches in all of its parts', () => {
    const one = match({
      by: 'rules',
      rules: [
        { server: 'eu-\\d', table: 'orders_\\d+' },
        { database: 'archive', table: 'old' },
      ],
    });
    expect(one.has(shard('eu-1', 'shop', 'orders_1'))).toBe(true);
    expect(one.has(shard('us-1', 'shop', 'orders_1'))).toBe(false);
    expect(one.has(shard('us-1', 'archive', 'old'))).toBe(true);
    expect(one.has(shard('us-1', 'archive', 'orders_1'))).toBe(false);
    expect(one.mayHold('us-1', 'shop')).toBe(false);
    expect(one.mayHold('us-1', 'archive')).toBe(true);
    expect(one.mayHold('eu-2', 'shop')).toBe(true);
  });

  it('takes the tables that are named, and no others', () => {
    const one = match({ by: 'tables', tables: [shard('a', 'd', 't'), shard('a', 'd', 't', 'other')] });
    expect(one.has(shard('a', 'd', 't'))).toBe(true);
    expect(one.has(shard('a', 'd', 't', 'third'))).toBe(false);
    expect(one.mayHold('a', 'd')).toBe(true);
    expect(one.mayHold('a', 'e')).toBe(false);
  });

  it('names every pattern that cannot be compiled', () => {
    const made = shardMatch({ by: 'rules', rules: [{ table: 'a' }, { server: '(', table: '[' }] });
    expect(made).toMatchObject({
      troubles: [
        { rule: 1, part: 'server', pattern: '(' },
        { rule: 1, part: 'table', pattern: '[' },
      ],
    });
  });
});
