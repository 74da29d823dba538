import type { Refusal } from './merged-table.ts';
import { shardText } from './shard.ts';

/** What is wrong and what mends it, for people. */
export function refusalText(refusal: Refusal): { readonly message: string; readonly remedy: string } {
  const { kind, column } = refusal;
  const { shard, has } = refusal.one;
  if (refusal.kind === 'extended field collision')
    return {
      message: `${kind}: the extended field ${refusal.field.name} (${refusal.field.part}) has the name of the column ${column} of ${shardText(shard)}.`,
      remedy: 'Give the extended field a name that no shard has a column of.',
    };
  const other = shardText(refusal.other.shard);
  switch (refusal.kind) {
    case 'pk column different':
      return {
        message: `${kind}: ${shardText(shard)} has ${has}, ${other} has ${refusal.other.has}.`,
        remedy: 'Give the shards one key, or leave one of them out.',
      };
    case 'pk column type mismatch':
    case 'invalid modify column':
      return {
        message: `${kind}: ${column} is ${has} in ${shardText(shard)} and ${refusal.other.has} in ${other}; no type holds the values of both exactly.`,
        remedy: 'Give the column one type in both shards, or leave one of them out.',
      };
    case 'column name case':
      return {
        message: `${kind}: the column is called ${has} in ${shardText(shard)} and ${refusal.other.has} in ${other}; query engines take these for one.`,
        remedy: 'Spell the column alike in all shards.',
      };
  }
}
