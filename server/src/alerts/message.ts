import type { AlertKind, NoticeKind } from '@sluice/contract';

/** What one message tells: one or many alerts of one rule and one data source. */
export interface Message {
  readonly kind: NoticeKind;
  readonly rule: string;
  readonly ruleKind: AlertKind | null;
  readonly dataSource: string;
  readonly subjects: readonly MessageSubject[];
  /** ISO 8601. */
  readonly at: string;
}

export interface MessageSubject {
  readonly alertId: number;
  readonly task: string;
  readonly table: string | null;
  readonly message: string;
  readonly firedAt: string;
}

/** Of five hundred tables, the first ones are named and the others counted. */
const NAMED = 20;

const WORDS: Readonly<Record<NoticeKind, string>> = {
  fired: 'Alert',
  repeated: 'Still firing',
  cleared: 'Cleared',
  test: 'Test',
};

const THINGS: Readonly<Record<AlertKind, readonly [string, string]>> = {
  task_failover: ['task failed over', 'tasks failed over'],
  task_stopped: ['task has stopped by a failure', 'tasks have stopped by a failure'],
  table_exception: ['table has stopped', 'tables have stopped'],
  latency: ['is slow to become visible', 'are slow to become visible'],
  position_lag: ['task reads far behind the source', 'tasks read far behind the source'],
};

/** One line, for subjects of mails and heads of messages. */
export function titleOf(message: Message): string {
  if (message.kind === 'test') return 'Sluice: test message';
  const [only] = message.subjects;
  const word = WORDS[message.kind];
  if (message.subjects.length === 1 && only !== undefined)
    return `Sluice: ${word}: ${message.rule}: ${subjectText(only)}`;
  const [, many] = message.ruleKind === null ? ['', ''] : THINGS[message.ruleKind];
  const source = message.dataSource === '' ? '' : ` (${message.dataSource})`;
  return `Sluice: ${word}: ${message.rule}: ${message.subjects.length} ${many}${source}`;
}

/** The lines below the title. */
export function linesOf(message: Message): string[] {
  if (message.kind === 'test') return ['This channel works. Nothing is wrong.'];
  const lines = message.subjects
    .slice(0, NAMED)
    .map((subject) =>
      message.kind === 'cleared'
        ? `${subjectText(subject)}: over. It fired at ${subject.firedAt}.`
        : `${subjectText(subject)}: ${subject.message}`,
    );
  const more = message.subjects.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  if (message.dataSource !== '') lines.push(`Data source: ${message.dataSource}`);
  return lines;
}

export function subjectText({
  task,
  table,
}: {
  readonly task: string;
  readonly table: string | null;
}): string {
  return table === null ? task : `${table} of ${task}`;
}

export function testMessage(at: string): Message {
  return { kind: 'test', rule: '', ruleKind: null, dataSource: '', subjects: [], at };
}
