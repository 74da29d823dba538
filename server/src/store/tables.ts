import type { Generated } from 'kysely';
import type { AlertTables } from './alert-tables.ts';

/**
 * The metastore's tables. Times are milliseconds since 1970 unless a name ends in _us (microseconds). JSON columns
 * are named …_json. Positions are the source's own text.
 */
export interface Metastore extends AlertTables {
  // --- control plane
  data_sources: {
    id: Generated<number>;
    name: string;
    ds_type: number;
    /** Connection without the password. */
    config_json: string;
    /** Sealed by secrets.ts; null for a data source without a password. */
    secret: string | null;
    created_at: number;
    updated_at: number;
  };
  folders: { id: Generated<number>; name: string; created_at: number };
  vclusters: { id: Generated<number>; name: string; type: string; config_json: string };
  tasks: {
    id: Generated<number>;
    name: string;
    /** Names the task at its source (SourceOptions.taskKey). Never changes. */
    source_key: string;
    folder_id: number;
    task_type: number;
    /** The draft (contract TaskSpec). */
    draft_json: string;
    /** Version that runs are started with; null: not published, or undeployed. */
    published_version: number | null;
    created_at: number;
    updated_at: number;
  };
  task_versions: { task_id: number; version: number; spec_json: string; published_at: number };
  runs: {
    id: Generated<number>;
    task_id: number;
    version: number;
    /** starting | running | backing_off | stopping | stopped | failed */
    state: string;
    start_mode: string;
    start_position: string | null;
    /**
     * 1 once a runner has put the start mode into effect; set in the transaction that does it. Later attempts of
     * the run go on from the checkpoint. (A runner that dies before it leaves the reset to the next attempt.)
     */
    begun: Generated<number>;
    started_at: number;
    ended_at: number | null;
    failovers: Generated<number>;
    error_json: string | null;
  };
  attempts: {
    id: Generated<number>;
    run_id: number;
    number: number;
    pid: number | null;
    /** running | stopped | failed */
    state: string;
    started_at: number;
    ended_at: number | null;
    error_json: string | null;
    /** The log, one JSON line an entry, relative to the data folder. */
    log_path: string;
    /** 1 where the task's progress moved while it ran. */
    progressed: Generated<number>;
    /** 1 where its failure counts against the failover limit. */
    counted: Generated<number>;
  };
  /** The lakehouse's catalog. */
  namespaces: { name: string; properties_json: string };
  iceberg_tables: {
    namespace: string;
    name: string;
    uuid: string;
    metadata_location: string;
    updated_at: number;
  };
  /** The line of metadata of each shard of a merged table, beside the table itself; shard '': the one that they begin with. */
  merge_lines: {
    namespace: string;
    name: string;
    shard: string;
    metadata_location: string;
    updated_at: number;
  };
  /** What a merge has made of its shards' schemas (sync/merge-store.ts). */
  merged_tables: {
    namespace: string;
    name: string;
    task_id: number;
    /** MergedTable; null: the task begins anew. */
    table_json: string | null;
    /** Numbers of columns, which are given once and for all. */
    ids_json: string;
    /** The shards that it was made of, as they were. */
    shards_json: string;
    /** Whether the table shows the lines; from then on each commit does. */
    shown: number;
  };

  // --- a task's progress, written by its runner
  /** One row a task: the position up to which everything is durable. `attempt_id` fences: only its holder may write. */
  checkpoints: {
    task_id: number;
    attempt_id: number;
    position: string | null;
    /** The next change's number. */
    next_ord: number;
    committed_at: number | null;
    phase: string;
    rows_read: number;
    rows_written: number;
  };
  /** One row a table of a task. */
  lanes: {
    id: Generated<number>;
    task_id: number;
    source_schema: string;
    source_table: string;
    object_id: string;
    target_schema: string;
    target_table: string;
    /** model/lane-state.ts */
    state: string;
    /** Why it is blocklisted: code, message, remedy. */
    error_json: string | null;
    schema_version: number;
    /** Of the load under way: visibility, staged metadata location, high water mark. */
    load_json: string | null;
    rows_loaded: number;
    rows_estimated: number | null;
    rows_applied: number;
    /** End of the last transaction that changed the table and is visible in the target. */
    read_position: string | null;
    updated_at: number | null;
    /** Source commit to visible in the target, of the last commit. */
    latency_ms: number | null;
    /** Values that became null because the lake's type has no such value (infinite dates). */
    nulled_values: number;
    created_at: number;
    /** When it came into its state. */
    since: number;
    /** Of the lanes that wait for their full load the one with the greatest is next. */
    priority: Generated<number>;
    /** Of a merge: TableName.shard of the source's name, and of the target's. */
    source_shard: Generated<string | null>;
    target_shard: Generated<string | null>;
  };
  /** Comparisons with the source (store/verifications.ts). */
  verifications: {
    id: Generated<number>;
    task_id: number;
    asked_by: string;
    /** running | done | failed */
    state: string;
    started_at: number;
    ended_at: number | null;
    error_json: string | null;
    /** A verdict a table (contract TableVerdict). */
    tables_json: string;
  };
  /** The timeline (store/events.ts). */
  events: {
    id: Generated<number>;
    at: number;
    /** contract EVENTS */
    kind: string;
    done_by: string;
    task_id: number | null;
    run_id: number | null;
    table_name: string | null;
    data_source_id: number | null;
    detail_json: string;
  };
  /** What people order for single tables; the run carries them out, in the order of their ids. */
  table_orders: {
    id: Generated<number>;
    lane_id: number;
    /** model/lane-state.ts, LaneOrder */
    kind: string;
    /** Of a backfill: which rows. */
    filter: string | null;
    asked_by: string;
    asked_at: number;
    /** null: waits for the run. */
    ended_at: number | null;
    /** Why it was not carried out; null where it was. */
    refused: string | null;
  };
  lane_schemas: { lane_id: number; version: number; schema_json: string };
  chunks: {
    lane_id: number;
    number: number;
    range_json: string;
    /** null: not loaded yet. Else the data files made of it. */
    files_json: string | null;
    rows: number | null;
  };
  /** Numbers by which MySQL servers tell their replicas apart: one a task and server. */
  server_ids: { task_id: number; server: string; server_id: number };
  /** Changes of a table that is not live yet, as Parquet files of change lines. */
  segments: {
    id: Generated<number>;
    lane_id: number;
    schema_version: number;
    path: string;
    rows: number;
    bytes: number;
    first_ord: number;
    last_ord: number;
    end_position: string;
  };
}
