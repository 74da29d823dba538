import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** From a commit interval of 100 ms to a load that holds everything up. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900, 3600];

/**
 * Every metric there is, by name. A registry of its own for each server, so that two in one process do not mix.
 * Counters whose sums are kept elsewhere (the metastore, Iceberg's summaries) are set at each scrape.
 */
export function instruments() {
  const registry = new Registry();
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const seconds = <L extends string>(name: string, help: string, labelNames: readonly L[]): Histogram<L> =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers: [registry] });
  return {
    registry,
    server: {
      info: gauge('sluice_build_info', 'Always 1; the version is a label', ['version']),
      memory: gauge('sluice_server_memory_bytes', 'Memory of the server process', ['kind']),
      cpu: counter('sluice_server_cpu_seconds_total', 'Processor time of the server process', []),
      uptime: gauge('sluice_server_uptime_seconds', 'Since the server began', []),
    },
    task: {
      state: gauge('sluice_task_state', '1 for the state that the task is in', ['task', 'state']),
      phase: gauge('sluice_task_phase', '1 for the phase that the task is in', ['task', 'phase']),
      rowsRead: counter('sluice_rows_read_total', 'Changes and loaded rows that were read', ['task']),
      rowsWritten: counter('sluice_rows_written_total', 'Rows that were written to the target', ['task']),
      failovers: counter('sluice_failovers_total', 'Attempts that followed a failed one', ['task']),
      tables: gauge('sluice_tables', 'Tables by their state', ['task', 'state']),
      lastCommit: gauge('sluice_last_commit_timestamp_seconds', 'When the last commit was made', ['task']),
      loadChunks: gauge('sluice_load_chunks', 'Chunks of full loads under way', ['task', 'state']),
      segmentRows: gauge('sluice_segment_rows', 'Changes kept for tables that load', ['task']),
      compared: gauge(
        'sluice_compared_timestamp_seconds',
        'When the last comparison with the source ended, by whether it got to its end',
        ['task', 'state'],
      ),
      comparedTables: gauge('sluice_compared_tables', 'Tables of the last comparison, by verdict', [
        'task',
        'verdict',
      ]),
      segmentBytes: gauge('sluice_segment_bytes', 'The files of these changes', ['task']),
    },
    run: {
      readBytes: counter('sluice_read_bytes_total', 'Lines read, as text, by where they came from', [
        'task',
        'from',
      ]),
      commitSeconds: seconds('sluice_commit_duration_seconds', 'How long a commit took', ['task']),
      latencySeconds: seconds(
        'sluice_commit_latency_seconds',
        'From the commit at the source of the oldest transaction of a commit until it was visible',
        ['task'],
      ),
      waitingLines: gauge('sluice_waiting_lines', 'Changes read and not committed', ['task']),
      waitingBytes: gauge('sluice_waiting_bytes', 'The size of these changes', ['task']),
      oldestWaiting: gauge('sluice_oldest_waiting_seconds', 'Age of the oldest transaction among them', [
        'task',
      ]),
      lagBytes: gauge('sluice_position_lag_bytes', 'Log of the source that was not read', ['task']),
      lagSeconds: gauge('sluice_position_lag_seconds', 'How long the reader is behind the end of the log', [
        'task',
      ]),
      memory: gauge('sluice_runner_memory_bytes', 'Memory of the process of a run', ['task', 'kind']),
    },
    table: {
      rowsLoaded: gauge('sluice_table_rows_loaded', 'Rows of the last full load', ['task', 'table']),
      rowsEstimated: gauge('sluice_table_rows_estimated', 'What the source guessed before the load', [
        'task',
        'table',
      ]),
      rowsApplied: counter('sluice_table_rows_applied_total', 'Changes that reached the table', [
        'task',
        'table',
      ]),
      latency: gauge('sluice_table_latency_seconds', 'Of the last commit that changed the table', [
        'task',
        'table',
      ]),
      loadProgress: gauge('sluice_table_load_progress_ratio', 'Loaded chunks of the load under way', [
        'task',
        'table',
      ]),
      loadSecondsLeft: gauge('sluice_table_load_seconds_left', 'Of the load under way, about', [
        'task',
        'table',
      ]),
      blocked: gauge('sluice_table_blocked', '1 for a table on the blocklist', ['task', 'table', 'code']),
      leftOut: gauge('sluice_tables_without_metrics', 'Tables beyond the limit of labels', []),
    },
    lake: {
      rows: gauge('sluice_lake_table_rows', 'Rows of a table of the lake', ['table']),
      bytes: gauge('sluice_lake_table_bytes', 'Its data and delete files', ['table']),
      files: gauge('sluice_lake_table_files', 'The number of these files', ['table', 'content']),
      snapshots: gauge('sluice_lake_table_snapshots', 'Snapshots that are kept', ['table']),
      writtenBytes: counter('sluice_lake_written_bytes_total', 'Files added, since the server began', [
        'table',
      ]),
      compactions: counter(
        'sluice_lake_compactions_total',
        'Snapshots that replaced files and no rows, since the server began',
        ['table'],
      ),
    },
  };
}

export type Instruments = ReturnType<typeof instruments>;
