import { SluiceError } from '@sluice/contract';

/** SQLite's result codes (sqlite.org/rescode.html), as libsql names them, in our words. Others pass as they are. */
export function metastoreError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const code = sqliteCode(error);
  const said = error instanceof Error ? error.message : String(error);
  if (/^SQLITE_(BUSY|LOCKED)/.test(code))
    return new SluiceError('METASTORE_BUSY', `The metastore is locked by another process: ${said}.`, {
      cause: error,
    });
  if (/^SQLITE_FULL/.test(code))
    return new SluiceError(
      'STORAGE_FULL',
      'The disk of the data folder is full: the metastore cannot grow.',
      {
        cause: error,
      },
    );
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|CORRUPT|NOTADB)/.test(code))
    return new SluiceError('STORAGE_FAILED', `The metastore cannot be used (${code}): ${said}.`, {
      cause: error,
    });
  return SluiceError.from(error);
}

/** Whether a statement was refused because a row of this key exists. */
export function isUniqueViolation(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(causeCode(error));
}

/** Whether a statement was refused because a row refers to what it takes away, or to what is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_FOREIGNKEY/.test(causeCode(error));
}

function causeCode(error: unknown): string {
  return sqliteCode(error instanceof SluiceError ? error.cause : error);
}

function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
