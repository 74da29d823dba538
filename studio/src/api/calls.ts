import type { ApiBody, ApiName, ApiParams, ApiQuery, ApiResponse, API as Contract } from '@sluice/contract';
import { currentToken, signOut } from './session.ts';

export const PREFIX = '/api/v1';

/**
 * The routes that Studio calls. The compiler holds them to the contract, whose own table would bring every schema and
 * its library into the browser.
 */
const ROUTES = {
  status: ['GET', '/status'],
  listDataSources: ['GET', '/data-sources'],
  createDataSource: ['POST', '/data-sources'],
  getDataSource: ['GET', '/data-sources/:ref'],
  updateDataSource: ['PATCH', '/data-sources/:ref'],
  deleteDataSource: ['DELETE', '/data-sources/:ref'],
  testDataSource: ['POST', '/data-sources/:ref/test'],
  checkCdc: ['POST', '/data-sources/:ref/check-cdc'],
  listCatalogs: ['GET', '/data-sources/:ref/catalogs'],
  listObjects: ['GET', '/data-sources/:ref/catalogs/:catalog/objects'],
  readTableFile: ['POST', '/data-sources/:ref/catalogs/:catalog/table-file'],
  describeObject: ['GET', '/data-sources/:ref/catalogs/:catalog/object'],
  sampleObject: ['GET', '/data-sources/:ref/catalogs/:catalog/sample'],
  listFolders: ['GET', '/folders'],
  createFolder: ['POST', '/folders'],
  listTasks: ['GET', '/tasks'],
  createTask: ['POST', '/tasks'],
  getTask: ['GET', '/tasks/:ref'],
  configureTask: ['PUT', '/tasks/:ref/draft'],
  publishTask: ['POST', '/tasks/:ref/publish'],
  mergeReport: ['GET', '/tasks/:ref/merge-report'],
  previewMerge: ['POST', '/merge-report'],
  listTaskVersions: ['GET', '/tasks/:ref/versions'],
  startTask: ['POST', '/tasks/:ref/start'],
  stopTask: ['POST', '/tasks/:ref/stop'],
  undeployTask: ['POST', '/tasks/:ref/undeploy'],
  deleteTask: ['DELETE', '/tasks/:ref'],
  taskTables: ['GET', '/tasks/:ref/tables'],
  tableLatency: ['GET', '/tasks/:ref/tables/:id/latency'],
  taskExceptions: ['GET', '/tasks/:ref/exceptions'],
  orderTables: ['POST', '/tasks/:ref/tables/orders'],
  taskEvents: ['GET', '/tasks/:ref/events'],
  listRuns: ['GET', '/tasks/:ref/runs'],
  getRun: ['GET', '/runs/:id'],
  attemptLog: ['GET', '/attempts/:id/log'],
  startVerification: ['POST', '/tasks/:ref/verifications'],
  listVerifications: ['GET', '/tasks/:ref/verifications'],
  listAlerts: ['GET', '/alerts'],
  listAlertRules: ['GET', '/alert-rules'],
  createAlertRule: ['POST', '/alert-rules'],
  updateAlertRule: ['PATCH', '/alert-rules/:ref'],
  deleteAlertRule: ['DELETE', '/alert-rules/:ref'],
  listAlertPolicies: ['GET', '/alert-policies'],
  createAlertPolicy: ['POST', '/alert-policies'],
  updateAlertPolicy: ['PATCH', '/alert-policies/:ref'],
  deleteAlertPolicy: ['DELETE', '/alert-policies/:ref'],
  listAlertChannels: ['GET', '/alert-channels'],
  createAlertChannel: ['POST', '/alert-channels'],
  updateAlertChannel: ['PATCH', '/alert-channels/:ref'],
  deleteAlertChannel: ['DELETE', '/alert-channels/:ref'],
  testAlertChannel: ['POST', '/alert-channels/:ref/test'],
  listAlertDeliveries: ['GET', '/alert-deliveries'],
  sql: ['POST', '/sql'],
  listLakeTables: ['GET', '/lake-tables'],
  describeLakeTable: ['GET', '/lake-tables/describe'],
  previewLakeTable: ['GET', '/lake-tables/preview'],
  lakeTableStats: ['GET', '/lake-tables/stats'],
  lakeTableHistory: ['GET', '/lake-tables/history'],
} as const satisfies {
  readonly [N in ApiName]?: readonly [(typeof Contract)[N]['method'], (typeof Contract)[N]['path']];
};
type CallName = keyof typeof ROUTES;

type Given<K extends string, T> = [T] extends [undefined] ? unknown : { readonly [P in K]: T };
type Options<N extends CallName> = Given<'params', ApiParams<N>> &
  (undefined extends ApiQuery<N> ? { readonly query?: ApiQuery<N> } : { readonly query?: ApiQuery<N> }) &
  Given<'body', ApiBody<N>> & { readonly signal?: AbortSignal | undefined };

/** What the server refused, or could not do: with its code, and what to do about it. */
export class ApiError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.code = code;
    this.remedy = remedy;
  }
}

export async function call<N extends CallName>(name: N, options: Options<N>): Promise<ApiResponse<N>> {
  const given = options as {
    params?: Record<string, string | number>;
    query?: Record<string, unknown>;
    body?: unknown;
    signal?: AbortSignal;
  };
  const [method, path] = ROUTES[name];
  const answer = await send(method, withParams(path, given.params ?? {}) + search(given.query ?? {}), given);
  const text = await answer.text();
  const json = text === '' ? {} : JSON.parse(text);
  return json.data as ApiResponse<N>;
}

/** @throws ApiError where it is not answered well */
export async function send(
  method: string,
  path: string,
  { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
): Promise<Response> {
  const answer = await fetch(PREFIX + path, {
    method,
    headers: {
      authorization: `Bearer ${currentToken() ?? ''}`,
      // The timeline says who did it.
      'x-sluice-caller': 'studio',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError('SERVER_UNREACHABLE', 'The server does not answer.', 'Check that sluice serve runs.');
  });
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => null)) as { error?: ApiError } | null;
  if (answer.status === 401) signOut();
  throw new ApiError(
    said?.error?.code ?? 'INTERNAL',
    said?.error?.message ?? `The server answered ${answer.status}.`,
    said?.error?.remedy ?? 'See the log of the server.',
  );
}

const withParams = (path: string, params: Record<string, string | number>): string =>
  path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(params[key])));

function search(query: Record<string, unknown>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}
