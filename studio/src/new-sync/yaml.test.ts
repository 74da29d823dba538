import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { yamlOf } from './yaml.ts';

it('is read again as what was written', () => {
  const value = {
    name: 'shop mirror: "all"',
    folder: 'yes',
    pipelineType: 2,
    on: 'No',
    table: '2024',
    multi: 'a\nb',
    flags: [true, false, 1.5, '1.5', '# no comment', "it's", '- x', 'é'],
    virtualTables: [
      {
        name: 'orders',
        target: { schema: 'lake', table: 'orders' },
        shards: { rules: [{ table: 'o_\\d+' }] },
      },
      { name: 'refunds', target: { schema: 'lake', table: 'refunds' } },
    ],
  };
  expect(parse(yamlOf({ ...value, nothing: [], none: undefined }))).toEqual(value);
});
