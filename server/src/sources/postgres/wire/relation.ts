import { SluiceError } from '@sluice/contract';
import type { LogRelation } from '../../source.ts';

const IDENTITY: Readonly<Record<string, LogRelation['identity']>> = {
  d: 'default',
  f: 'full',
  i: 'index',
  n: 'nothing',
};

/** The body of a Relation message: oid, schema, table, replica identity, columns. */
export function parseRelation(body: Buffer): LogRelation {
  let at = 4;
  const text = (): string => {
    const zero = body.indexOf(0, at);
    if (zero < 0) throw new SluiceError('SOURCE_PROTOCOL', 'the server sent a table without a name');
    const found = body.toString('utf8', at, zero);
    at = zero + 1;
    return found;
  };
  const objectId = body.readUInt32BE(0).toString();
  // The protocol writes pg_catalog as an empty name.
  const schema = text() || 'pg_catalog';
  const table = text();
  const identity = IDENTITY[String.fromCharCode(body[at++] ?? 0)];
  if (!identity)
    throw new SluiceError('SOURCE_PROTOCOL', `${schema}.${table} has an unknown replica identity`);
  const count = body.readUInt16BE(at);
  at += 2;
  const columns: LogRelation['columns'][number][] = [];
  for (let i = 0; i < count; i++) {
    const inKey = (body[at++]! & 1) === 1;
    const name = text();
    columns.push({ name, typeId: body.readUInt32BE(at), typeModifier: body.readInt32BE(at + 4), inKey });
    at += 8;
  }
  return { objectId, name: { schema, table }, identity, columns, table: null };
}
