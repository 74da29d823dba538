import type { ApiBody, ApiName, ApiParams, ApiQuery, ApiResponse } from '@sluice/contract';

export interface Call<N extends ApiName> {
  readonly params: ApiParams<N, 'out'>;
  readonly query: ApiQuery<N, 'out'>;
  readonly body: ApiBody<N, 'out'>;
  /** Aborts when the caller has gone, or the server shuts down. */
  readonly signal: AbortSignal;
}

/** What answers each route of the contract. */
export type Handlers<N extends ApiName = ApiName> = {
  readonly [K in N]: (call: Call<K>) => Promise<ApiResponse<K>>;
};
