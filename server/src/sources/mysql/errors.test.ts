import { describe, expect, it } from 'vitest';
import { classify, ServerError, sourceError } from './errors.ts';

/** The servers' own words, as MySQL 5.7 to 9.7 and MariaDB 10.11 say them. */
const DUMP = [
  ['Could not find first log file name in binary log index file', 'BINLOG_PURGED'],
  [
    'The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that the slave requires.',
    'BINLOG_PURGED',
  ],
  [
    'Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere, or provision a new replica from backup.',
    'BINLOG_PURGED',
  ],
  [
    'Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and required binlog files have been purged.',
    'BINLOG_PURGED',
  ],
  ['The binlog is no longer available on the server', 'BINLOG_PURGED'],
  [
    "A slave with the same server_uuid/server_id as this slave has connected to the master; the first event 'binlog.000001' at 4",
    'SERVER_ID_TAKEN',
  ],
  ['log event entry exceeded max_allowed_packet; Increase max_allowed_packet on master', 'EVENT_TOO_LARGE'],
  ['Client requested master to start replication from position > file size', 'SERVER_BEHIND'],
  [
    "Slave has more GTIDs than the master has, using the master's SERVER_UUID. This may indicate that the end of the binary log was truncated or that the last binary log file was lost.",
    'SERVER_BEHIND',
  ],
  [
    "Error: connecting slave requested to start from GTID 0-1-9, which is not in the master's binlog",
    'SERVER_BEHIND',
  ],
  [
    'The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.',
    'POSITION_UNAVAILABLE',
  ],
  ["bogus data in log event; the first event 'binlog.000005' at 5", 'BINLOG_CORRUPT'],
  [
    'binlog truncated in the middle of event; consider out of disk space on master; the first event',
    'BINLOG_CORRUPT',
  ],
  ['memory allocation failed reading log event', 'SOURCE_QUERY'],
] as const;

describe('errors of the server', () => {
  it.each(DUMP)('1236 %s', (message, code) => {
    expect(classify(new ServerError(1236, 'HY000', message), 'stream')).toBe(code);
  });

  it.each([
    [1045, 'connect', 'SOURCE_AUTH'],
    [1045, 'start', 'MYSQL_NO_REPLICATION'],
    [1227, 'start', 'MYSQL_NO_REPLICATION'],
    [1227, 'query', 'SOURCE_QUERY'],
    [1049, 'connect', 'SOURCE_NO_DATABASE'],
    [1049, 'load', 'TABLE_DROPPED'],
    [1146, 'load', 'TABLE_DROPPED'],
    [1146, 'query', 'SOURCE_QUERY'],
    [1142, 'load', 'TABLE_NO_SELECT'],
    [1053, 'connect', 'SOURCE_UNREACHABLE'],
    [1053, 'stream', 'SOURCE_INTERRUPTED'],
    [1927, 'stream', 'SOURCE_INTERRUPTED'],
    [1040, 'connect', 'SOURCE_UNREACHABLE'],
    [1789, 'stream', 'BINLOG_PURGED'],
    [4052, 'stream', 'SERVER_ID_TAKEN'],
    [65_000, 'stream', 'SOURCE_QUERY'],
  ] as const)('%d at %s: %s', (errno, stage, code) => {
    expect(classify(new ServerError(errno, 'HY000', ''), stage)).toBe(code);
  });

  it.each([
    [{ code: 'ECONNRESET', errno: -104 }, 'SOURCE_INTERRUPTED'],
    [{ code: 'PROTOCOL_CONNECTION_LOST' }, 'SOURCE_INTERRUPTED'],
    [{ code: 'ECONNREFUSED', errno: -111 }, 'SOURCE_UNREACHABLE'],
    [{ code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'SOURCE_TLS'],
    [{ code: 'HANDSHAKE_NO_SSL_SUPPORT' }, 'SOURCE_TLS'],
    [{ code: 'PROTOCOL_UNEXPECTED_PACKET' }, 'SOURCE_PROTOCOL'],
    [new RangeError('ours'), 'INTERNAL'],
  ] as const)('%o is %s', (error, code) => expect(classify(error, 'stream')).toBe(code));

  it('says what was done, and keeps an error that was classified', () => {
    const error = sourceError(
      new ServerError(1040, '08004', 'Too many connections'),
      'connect',
      'connecting',
    );
    expect(error.message).toBe('connecting: Too many connections');
    expect(error.remedy).toMatch(/max_connections/);
    expect(sourceError(error, 'stream', 'reading')).toBe(error);
  });
});
