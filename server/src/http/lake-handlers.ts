import type { ApiName } from '@sluice/contract';

/** Routes that read the warehouse. */
export type LakeRoute = Extract<
  ApiName,
  'sql' | 'listLakeTables' | 'describeLakeTable' | 'previewLakeTable' | 'lakeTableStats' | 'lakeTableHistory'
>;
