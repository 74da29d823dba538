/** The full name of a source table among those of all data sources of a task. In MySQL the schema is the database. */
export interface Shard {
  readonly server: string;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

/** For people, logs and as a name: injective, as names with signs of their own are quoted. */
export function shardText({ server, database, schema, table }: Shard): string {
  const [of, inside, from, name] = [server, database, schema, table].map(quoted);
  return schema === database ? `${of}/${inside}.${name}` : `${of}/${inside}.${from}.${name}`;
}

const quoted = (name: string): string => (/[./"\s]|^$/.test(name) ? JSON.stringify(name) : name);

/** An injective map key. */
export function shardKey({ server, database, schema, table }: Shard): string {
  return JSON.stringify([server, database, schema, table]);
}
