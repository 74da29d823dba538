import type { ErrorCode, ErrorGroup, ErrorPage } from '@sluice/contract';

export function errorIndex(groups: readonly ErrorGroup[], pageOf: (code: ErrorCode) => ErrorPage): string;
export function errorPageText(page: ErrorPage): string;
