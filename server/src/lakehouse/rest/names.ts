import type { TableName } from '../../model/table.ts';
import { badRequest } from './answer.ts';

/** What stands between the levels of a namespace in a URL (REST catalog specification, parameter `namespace`). */
const LEVELS = '\u001f';

export function isNested(parameter: string): boolean {
  return parameter.includes(LEVELS);
}

/** @throws CatalogRefusal 400 for a namespace of several levels */
export function oneLevel(levels: readonly string[]): string {
  const [name] = levels;
  if (name === undefined || levels.length > 1 || isNested(name))
    throw badRequest('Namespaces of this catalog have one level.');
  return name;
}

export function tableNameOf(identifier: {
  readonly namespace: readonly string[];
  readonly name: string;
}): TableName {
  return { schema: oneLevel(identifier.namespace), table: identifier.name };
}
