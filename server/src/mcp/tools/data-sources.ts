import { DS_TYPES } from '@sluice/contract';
import { z } from 'zod';
import { DATA_SOURCE } from '../arguments.ts';
import { PAGE_FIELDS, pageOf } from '../pages.ts';
import { routeTool } from '../route-tool.ts';
import { type Tool, tool } from '../tool.ts';

/** Where every task writes to: this server's own warehouse, which nobody has to configure. */
export const WAREHOUSE = {
  id: 0,
  name: 'lakehouse',
  type: 'lakehouse',
  dsType: DS_TYPES.lakehouse,
} as const;

const NAMESPACE = z.string().min(1).max(256).describe('a database, as list_namespaces has it');

const listDataSources = tool({
  name: 'list_data_sources',
  title: 'Data sources',
  description:
    'The connections that tasks read from, and this server’s own lakehouse (id 0, ds_type 1), which they write to. ds_type: 5 MySQL, 7 PostgreSQL, 100 MariaDB, 19 and 39 PolarDB and Aurora MySQL, 48 and 40 PolarDB and Aurora PostgreSQL.',
  kind: 'read',
  input: z.strictObject({
    ds_type: z.int().optional().describe('only of this kind'),
    name: z.string().optional().describe('only those whose name has this in it'),
    ...PAGE_FIELDS,
  }),
  run: async ({ call, args: { ds_type, name, ...page } }) => {
    const all = [WAREHOUSE, ...(await call('listDataSources'))];
    const wanted = all.filter(
      (one) =>
        (ds_type === undefined || one.dsType === ds_type) &&
        (name === undefined || one.name.toLowerCase().includes(name.toLowerCase())),
    );
    return pageOf(wanted, page);
  },
});

const source = { ref: 'datasource_id' };
const object = { ...source, catalog: 'namespace' };
const fields = { ref: DATA_SOURCE, catalog: NAMESPACE };

export const DATA_SOURCE_TOOLS: readonly Tool[] = [
  listDataSources,
  routeTool({
    name: 'create_data_source',
    route: 'createDataSource',
    kind: 'write',
    title: 'Make a data source',
    more: 'A password that is given here is read by the model and its provider; `sluice datasource create --password-stdin` keeps it away from both. Try test_data_source and check_cdc next.',
  }),
  routeTool({
    name: 'update_data_source',
    route: 'updateDataSource',
    kind: 'write',
    title: 'Change a data source',
    rename: source,
    fields,
  }),
  routeTool({
    name: 'delete_data_source',
    route: 'deleteDataSource',
    kind: 'destructive',
    title: 'Delete a data source',
    rename: source,
    fields,
    consequences: ({ datasource_id }) =>
      `This deletes the data source ${String(datasource_id)} with its password. It is refused while a task uses it.`,
  }),
  routeTool({
    name: 'test_data_source',
    route: 'testDataSource',
    kind: 'read',
    title: 'Connect to a data source',
    rename: source,
    fields,
  }),
  routeTool({
    name: 'check_cdc',
    route: 'checkCdc',
    kind: 'read',
    title: 'Check a source for change capture',
    more: 'Run it before a task is made. Fixes are for the source’s administrator to run.',
    rename: source,
    fields,
  }),
  routeTool({
    name: 'list_namespaces',
    route: 'listCatalogs',
    kind: 'read',
    title: 'Databases of a data source',
    rename: source,
    fields,
  }),
  routeTool({
    name: 'list_metadata_objects',
    route: 'listObjects',
    kind: 'read',
    title: 'Tables of a database',
    more: '`problem` says why a table cannot be mirrored as it is.',
    rename: object,
    fields,
  }),
  routeTool({
    name: 'get_metadata_detail',
    route: 'describeObject',
    kind: 'read',
    title: 'A table of the source with its columns',
    rename: { ...object, schema: 'schema_name', table: 'object_name' },
    fields,
  }),
  routeTool({
    name: 'sample_metadata_object',
    route: 'sampleObject',
    kind: 'read',
    title: 'Some rows of a table of the source',
    rename: { ...object, schema: 'schema_name', table: 'object_name' },
    fields,
  }),
];
