import { SluiceError } from '@sluice/contract';
import type { Session } from './connect.ts';

/** Whether the server takes over changes of another one: at the moment, or as soon as somebody starts it. */
export type ReplicaState = 'none' | 'stopped' | 'running';

/** Whoever may not see the status is told how many are running, which MariaDB lets everybody see. */
export async function readReplicaState(session: Session): Promise<ReplicaState> {
  const { flavour, version } = session.info;
  const statement =
    flavour === 'mariadb'
      ? 'SHOW ALL SLAVES STATUS'
      : version >= 80_022
        ? 'SHOW REPLICA STATUS'
        : 'SHOW SLAVE STATUS';
  try {
    const rows = await session.rows(statement);
    const running = rows.some((row) => (row.Replica_SQL_Running ?? row.Slave_SQL_Running) === 'Yes');
    return running ? 'running' : rows.length > 0 ? 'stopped' : 'none';
  } catch (error) {
    if (SluiceError.from(error).code !== 'SOURCE_QUERY') throw error;
    const [row] = await session.rows("SHOW GLOBAL STATUS LIKE 'Slaves_running'");
    return Number(row?.Value ?? 0) > 0 ? 'running' : 'none';
  }
}

/** Whether changes that it takes over right now do not enter its own log. */
export async function passesByItsLog(session: Session): Promise<boolean> {
  // Both names, where a server has two.
  const rows = await session.rows(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_replica_updates', 'log_slave_updates')",
  );
  if (rows.every((row) => row.Value === 'ON')) return false;
  return (await readReplicaState(session)) === 'running';
}
