import type { ChangeSink, LogRelation, TableEvent } from '../source.ts';
import { memberTable, taggedId, taggedName, taggedTable, untaggedId } from './names.ts';

/** Hands one member's log on under the names that the merge has for its tables. Rows do not come through here. */
export function sinkOf(label: string, sink: ChangeSink): ChangeSink {
  const relation = (one: LogRelation): LogRelation => ({
    ...one,
    objectId: taggedId(label, one.objectId),
    name: taggedName(label, one.name),
    table: one.table === null ? null : taggedTable(label, one.table),
  });
  const event = (one: TableEvent): TableEvent => {
    switch (one.kind) {
      case 'schema':
        return { ...one, relation: relation(one.relation) };
      case 'renamed':
        return {
          ...one,
          objectId: taggedId(label, one.objectId),
          to: taggedId(label, one.to),
          name: taggedName(label, one.name),
        };
      default:
        return { ...one, objectId: taggedId(label, one.objectId) };
    }
  };
  return {
    get epoch() {
      return sink.epoch;
    },
    begin: (transaction) => sink.begin(transaction),
    known: (objectId) => {
      const known = sink.known(taggedId(label, objectId));
      return known === null ? null : { ...known, schema: memberTable(known.schema) };
    },
    *tables() {
      for (const objectId of sink.tables()) yield untaggedId(label, objectId);
    },
    ddl: (one) => sink.ddl(event(one)),
    relation: (one) => sink.relation(relation(one)),
    truncate: (objectId) => sink.truncate(taggedId(label, objectId)),
    mark: (text) => sink.mark(text),
    commit: (end) => sink.commit(end),
    idle: (position) => sink.idle(position),
  };
}
