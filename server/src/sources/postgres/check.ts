import type { Connection, Finding, Selection } from '../source.ts';
import type { Session } from './connect.ts';

export async function checkCdc(
  session: Session,
  connection: Connection,
  selection: Selection | null,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  throw new Error(`not written yet: ${session.version} ${connection.host} ${selection} ${signal.aborted}`);
}
