import { z } from 'zod';
import { Id, Name, TableRef, Time } from './primitives.ts';
import { isTimeZone } from './time-zone.ts';

/** The kinds of data sources: the reference's codes (`ds_type`) and the words of the command line. */
export const DS_TYPES = {
  lakehouse: 1,
  kafka: 2,
  mysql: 5,
  postgres: 7,
  sqlserver: 8,
  tidb: 17,
  'polardb-mysql': 19,
  'aurora-mysql': 39,
  'aurora-postgres': 40,
  'polardb-postgres': 48,
  mariadb: 100,
} as const;
export type DsTypeWord = keyof typeof DS_TYPES;
export type DsType = (typeof DS_TYPES)[DsTypeWord];

export function dsTypeWord(code: number): DsTypeWord | null {
  for (const [word, known] of Object.entries(DS_TYPES)) if (known === code) return word as DsTypeWord;
  return null;
}

/** Where a server of this kind listens unless somebody has changed it. */
export function defaultPort(type: DsTypeWord): number {
  return /mysql|mariadb/.test(type) ? 3306 : type === 'tidb' ? 4000 : type === 'sqlserver' ? 1433 : 5432;
}

export const SslMode = z
  .enum(['disable', 'require', 'verify-full'])
  .describe('require: encrypted, the server is not verified');

const connection = {
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65535),
  username: z.string().min(1).max(128),
  database: z.string().min(1).max(128),
  sslmode: SslMode,
};
const Password = z.string().max(4096);
const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'as +08:00 or Asia/Shanghai')
  .describe('The zone that the server is meant to run in, as +08:00 or Asia/Shanghai: check-cdc compares');

export const CreateDataSource = z.strictObject({
  name: Name,
  type: z.enum(Object.keys(DS_TYPES) as [DsTypeWord, ...DsTypeWord[]]),
  ...connection,
  port: connection.port.optional().describe('5432 for PostgreSQL, 3306 for MySQL and MariaDB by default'),
  sslmode: SslMode.default('disable'),
  password: Password.optional(),
  timezone: TimeZone.optional(),
});
export type CreateDataSource = z.input<typeof CreateDataSource>;

/** What is left out stays as it is. */
export const UpdateDataSource = z
  .strictObject({
    name: Name,
    ...connection,
    password: Password.nullable(),
    timezone: TimeZone.nullable(),
  })
  .partial();
export type UpdateDataSource = z.input<typeof UpdateDataSource>;

/** Never with its password. */
export const DataSource = z.object({
  id: Id,
  name: z.string(),
  type: z.string(),
  dsType: z.int(),
  ...connection,
  timezone: z.string().nullish(),
  hasPassword: z.boolean(),
  createdAt: Time,
  updatedAt: Time,
});
export type DataSource = z.infer<typeof DataSource>;

export const TestResult = z.object({ version: z.string(), latencyMs: z.number() });
export type TestResult = z.infer<typeof TestResult>;

/** What to check: nothing for the server and the account alone, or what a task would sync. */
export const CheckCdcRequest = z.strictObject({
  database: z.string().min(1).optional(),
  schemas: z.array(z.string().min(1)).max(10_000).optional(),
  tables: z.array(TableRef).max(10_000).optional(),
});
export type CheckCdcRequest = z.infer<typeof CheckCdcRequest>;

export const Finding = z.object({
  code: z.string(),
  level: z.enum(['error', 'warning', 'info', 'ok']),
  subject: z.string(),
  found: z.string(),
  why: z.string(),
  fix: z.string().nullable().describe('the exact statement that mends it'),
});
/** `passed`: no finding is an error. */
export const CheckCdcResult = z.object({ passed: z.boolean(), findings: z.array(Finding) });
export type CheckCdcResult = z.infer<typeof CheckCdcResult>;

/** A database of a data source. */
export const CatalogEntry = z.object({ name: z.string() });
export type CatalogEntry = z.infer<typeof CatalogEntry>;

/** A table of a data source. */
export const ObjectSummary = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.int(),
  key: z.array(z.string()).describe('columns by which a row is recognised; empty: by the whole row'),
  estimatedRows: z.number().nullable(),
  problem: z
    .object({ code: z.string(), message: z.string(), remedy: z.string() })
    .nullable()
    .describe('why it cannot be mirrored as it is'),
});
export type ObjectSummary = z.infer<typeof ObjectSummary>;

export const ObjectDetail = ObjectSummary.extend({
  columns: z.array(
    z.object({
      name: z.string(),
      native: z.string().describe('the type at the source'),
      type: z.string().describe('the type in the lake'),
      nullable: z.boolean(),
      inKey: z.boolean(),
    }),
  ),
});
export type ObjectDetail = z.infer<typeof ObjectDetail>;

export const Sample = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.string().nullable())),
});
export type Sample = z.infer<typeof Sample>;
