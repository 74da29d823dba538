import { ERRORS, type ErrorBody, type ErrorCode, type ErrorRule } from '../errors.ts';
import type { ErrorGroup, ErrorText } from './error-text.ts';
import { MYSQL } from './mysql.ts';
import { POSTGRES } from './postgres.ts';
import { REQUESTS } from './requests.ts';
import { SOURCE } from './source.ts';
import { TABLE } from './table.ts';
import { TASK } from './task.ts';

/** In the order of the index. */
export const ERROR_GROUPS: readonly ErrorGroup[] = [REQUESTS, SOURCE, POSTGRES, MYSQL, TASK, TABLE];

/** A code without a text does not compile. */
const TEXTS: Readonly<Record<ErrorCode, ErrorText>> = {
  ...REQUESTS.texts,
  ...SOURCE.texts,
  ...POSTGRES.texts,
  ...MYSQL.texts,
  ...TASK.texts,
  ...TABLE.texts,
};

const AGAIN: Readonly<Record<ErrorRule['retry'], string>> = {
  always: 'Yes: new attempts with pauses of 1, 2, 4 … 30 s, without an end.',
  limited:
    'Yes: new attempts with pauses of 1, 2, 4 … 30 s; after `failover_limit` (10) failures without progress within `failover_window` (10 min) the run has failed with `FAILOVER_LIMIT`.',
  never: 'No: somebody must act first.',
};

const REACH: Readonly<Record<ErrorRule['scope'], string>> = {
  request: 'Only the request that was refused; nothing was changed.',
  task: 'The task as a whole. What was committed stays, and it goes on from there.',
  table: 'This table only; the rest of the task goes on.',
};

/** Everything that is known of a code, as the page and the command line show it. */
export interface ErrorPage extends ErrorText {
  readonly code: ErrorCode;
  readonly scope: ErrorRule['scope'];
  readonly reach: string;
  readonly retry: ErrorRule['retry'];
  readonly again: string;
  readonly status: number;
  readonly remedy: string;
  readonly page: string;
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** Where the page of a code stands in the documentation. */
export function pageOfError(code: ErrorCode): string {
  return `docs/errors/${code}.md`;
}

export function errorPage(code: ErrorCode): ErrorPage {
  const { scope, retry, status, remedy }: ErrorRule = ERRORS[code];
  // A request is not tried again by anybody but its caller.
  const again = scope === 'request' ? 'No: the request is to be sent again.' : AGAIN[retry];
  return {
    code,
    scope,
    reach: REACH[scope],
    retry,
    again,
    status,
    remedy,
    page: pageOfError(code),
    ...TEXTS[code],
  };
}

/** An error as it leaves for a person or a program: with its page. A newer server's code may have none here. */
export function withPage(body: ErrorBody): ErrorBody {
  const { code, page } = body.error;
  if (page !== undefined || !isErrorCode(code)) return body;
  return { error: { ...body.error, page: pageOfError(code) } };
}
