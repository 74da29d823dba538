import { type NamePattern, namePattern } from './name-pattern.ts';
import { type Shard, shardKey } from './shard.ts';

/** Parts without a pattern match any name. */
export interface ShardRule {
  readonly server?: string | undefined;
  readonly database?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
}

/** Which source tables belong together: whatever any of the rules matches, or those that are named. */
export type ShardChoice =
  | { readonly by: 'rules'; readonly rules: readonly ShardRule[] }
  | { readonly by: 'tables'; readonly tables: readonly Shard[] };

export interface ShardMatch {
  has(shard: Shard): boolean;
  /** Whether some table of the database could belong to it. */
  mayHold(server: string, database: string): boolean;
}

export interface PatternTrouble {
  /** Index of the rule. */
  readonly rule: number;
  readonly part: keyof ShardRule;
  readonly pattern: string;
  readonly error: string;
}

type Compiled = Readonly<Record<keyof ShardRule, NamePattern>>;

const PARTS = ['server', 'database', 'schema', 'table'] as const;
const any: NamePattern = () => true;

/** @returns the patterns that cannot be compiled, where there are some */
export function shardMatch(
  choice: ShardChoice,
): ShardMatch | { readonly troubles: readonly PatternTrouble[] } {
  if (choice.by === 'tables') return namedShards(choice.tables);
  const troubles: PatternTrouble[] = [];
  const rules = choice.rules.map((rule, index) => {
    const compiled: Record<keyof ShardRule, NamePattern> = {
      server: any,
      database: any,
      schema: any,
      table: any,
    };
    for (const part of PARTS) {
      const pattern = rule[part];
      if (pattern === undefined) continue;
      const made = namePattern(pattern);
      if (typeof made === 'function') compiled[part] = made;
      else troubles.push({ rule: index, part, pattern, error: made.error });
    }
    return compiled;
  });
  return troubles.length > 0 ? { troubles } : ruledShards(rules);
}

function ruledShards(rules: readonly Compiled[]): ShardMatch {
  return {
    has: (shard) => rules.some((rule) => PARTS.every((part) => rule[part](shard[part]))),
    mayHold: (server, database) => rules.some((rule) => rule.server(server) && rule.database(database)),
  };
}

function namedShards(tables: readonly Shard[]): ShardMatch {
  const names = new Set(tables.map(shardKey));
  const databases = new Set(tables.map(({ server, database }) => JSON.stringify([server, database])));
  return {
    has: (shard) => names.has(shardKey(shard)),
    mayHold: (server, database) => databases.has(JSON.stringify([server, database])),
  };
}
