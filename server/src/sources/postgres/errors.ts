import { type ErrorCode, SluiceError } from '@sluice/contract';

/** What was being done when the server or the network failed: the same SQLSTATE means different things. */
export type Stage = 'connect' | 'replication-connect' | 'query' | 'create-slot' | 'start' | 'stream' | 'copy';

type Table = Readonly<Record<string, ErrorCode>>;

/** SQLSTATEs (PostgreSQL manual, appendix A) that mean the same at every stage. */
const SQLSTATE: Table = {
  '28000': 'SOURCE_AUTH',
  '28P01': 'SOURCE_AUTH',
  '3D000': 'SOURCE_NO_DATABASE',
  '08000': 'SOURCE_INTERRUPTED',
  '08003': 'SOURCE_INTERRUPTED',
  '08006': 'SOURCE_INTERRUPTED',
  '08P01': 'SOURCE_PROTOCOL',
  '25P03': 'SOURCE_INTERRUPTED',
  '25P04': 'SOURCE_INTERRUPTED',
  '57P01': 'SOURCE_INTERRUPTED',
  '57P02': 'SOURCE_INTERRUPTED',
  '57P03': 'SOURCE_UNREACHABLE',
  '57P04': 'SOURCE_NO_DATABASE',
  '57P05': 'SOURCE_INTERRUPTED',
  '53300': 'SOURCE_UNREACHABLE',
  '53400': 'PG_NO_SLOT_FREE',
};

const BY_STAGE: Readonly<Record<Stage, Table>> = {
  connect: { '42501': 'SOURCE_AUTH' },
  'replication-connect': { '42501': 'PG_NO_REPLICATION' },
  query: {},
  'create-slot': {
    '55000': 'PG_WAL_LEVEL',
    '42501': 'PG_NO_REPLICATION',
    '42710': 'PG_SLOT_FOREIGN',
  },
  // Before the stream has begun, an undefined object is the slot; afterwards it is the publication, which the
  // output plugin looks up at the first change.
  start: {
    '42704': 'PG_SLOT_MISSING',
    '42501': 'PG_NO_REPLICATION',
    '55000': 'PG_SLOT_INVALIDATED',
    '55006': 'PG_SLOT_IN_USE',
    '58P01': 'PG_SLOT_INVALIDATED',
  },
  stream: {
    '42704': 'PG_PUBLICATION_MISSING',
    '55000': 'PG_SLOT_INVALIDATED',
    '58P01': 'PG_SLOT_INVALIDATED',
  },
  copy: {
    '42P01': 'TABLE_DROPPED',
    '3F000': 'TABLE_DROPPED',
    '42703': 'TABLE_SCHEMA',
    '42501': 'TABLE_NO_SELECT',
    '55P03': 'SOURCE_LOCKED',
  },
};

/** Error codes of Node's sockets, resolver and TLS. */
const NODE_CODE: Table = {
  ECONNREFUSED: 'SOURCE_UNREACHABLE',
  ENOTFOUND: 'SOURCE_UNREACHABLE',
  EAI_AGAIN: 'SOURCE_UNREACHABLE',
  EHOSTUNREACH: 'SOURCE_UNREACHABLE',
  EHOSTDOWN: 'SOURCE_UNREACHABLE',
  ENETUNREACH: 'SOURCE_UNREACHABLE',
  EADDRNOTAVAIL: 'SOURCE_UNREACHABLE',
  ENOENT: 'SOURCE_UNREACHABLE',
  EPROTO: 'SOURCE_TLS',
  CERT_HAS_EXPIRED: 'SOURCE_TLS',
  CERT_NOT_YET_VALID: 'SOURCE_TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'SOURCE_TLS',
  SELF_SIGNED_CERT_IN_CHAIN: 'SOURCE_TLS',
  UNABLE_TO_GET_ISSUER_CERT: 'SOURCE_TLS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'SOURCE_TLS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'SOURCE_TLS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'SOURCE_TLS',
};

/** Lost while in use; while connecting it means that the host was not reached. */
const LOST = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_DESTROYED']);

/** Errors that `pg` throws without a code. Matched whole: nothing of the server's own words is looked at. */
const PG_MESSAGE: Readonly<Record<string, ErrorCode | 'lost'>> = {
  'The server does not support SSL connections': 'SOURCE_TLS',
  'There was an error establishing an SSL connection': 'SOURCE_TLS',
  'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string': 'SOURCE_AUTH',
  'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string': 'SOURCE_AUTH',
  'timeout expired': 'lost',
  'Connection terminated': 'lost',
  'Connection terminated unexpectedly': 'lost',
  'Client has encountered a connection error and is not queryable': 'lost',
  'Client was closed and is not queryable': 'lost',
};

/** What else a code calls for than the table's remedy, by SQLSTATE. */
const REMEDY: Readonly<Record<string, string>> = {
  '53300':
    'The server has no connection (or WAL sender) free: raise max_connections or max_wal_senders, or close some; it is tried again.',
  '28000':
    'Mend the user name or the password of the data source; if the message speaks of pg_hba.conf, let the server accept this host there.',
};

export function connecting(stage: Stage): boolean {
  return stage === 'connect' || stage === 'replication-connect';
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

export function classify(error: unknown, stage: Stage): ErrorCode {
  const lost: ErrorCode = connecting(stage) ? 'SOURCE_UNREACHABLE' : 'SOURCE_INTERRUPTED';
  const code = codeOf(error);
  if (code !== null) {
    if (LOST.has(code)) return lost;
    const known = BY_STAGE[stage][code] ?? SQLSTATE[code] ?? NODE_CODE[code];
    if (known) return known;
    if (/^[0-9A-Z]{5}$/.test(code)) return 'SOURCE_QUERY';
    if (/^ERR_(SSL|TLS)_/.test(code)) return 'SOURCE_TLS';
  }
  const known = error instanceof Error ? PG_MESSAGE[error.message] : undefined;
  if (known === 'lost') return lost;
  return known ?? (connecting(stage) ? 'SOURCE_UNREACHABLE' : 'INTERNAL');
}

/** `doing` says what was tried, to stand before the server's words: `reading "public"."t"`. */
export function sourceError(error: unknown, stage: Stage, doing: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = classify(error, stage);
  const message =
    error instanceof Error && error.message !== '' ? error.message : (codeOf(error) ?? 'failed');
  return new SluiceError(code, `${doing}: ${message}`, {
    cause: error,
    remedy: REMEDY[codeOf(error) ?? ''],
  });
}
