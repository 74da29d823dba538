/** The full name of a source table among those of all data sources of a task. In MySQL the schema is the database. */
export interface Shard {
  readonly server: string;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

/** For people and logs. */
export function shardText({ server, database, schema, table }: Shard): string {
  return schema === database ? `${server}/${database}.${table}` : `${server}/${database}.${schema}.${table}`;
}

/** An injective map key. */
export function shardKey({ server, database, schema, table }: Shard): string {
  return JSON.stringify([server, database, schema, table]);
}
