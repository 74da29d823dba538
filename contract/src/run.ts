import { z } from 'zod';
import { Id, Problem, Time } from './primitives.ts';

/**
 * starting     the attempt's process is being made
 * running      it works
 * backing_off  it failed; the next attempt begins after a pause
 * stopping     it was asked to stop
 * stopped, failed   the end
 */
export const RUN_STATES = ['starting', 'running', 'backing_off', 'stopping', 'stopped', 'failed'] as const;
export type RunState = (typeof RUN_STATES)[number];

export const START_MODES = ['stateless', 'resume', 'custom'] as const;
export type StartMode = (typeof START_MODES)[number];

export const Run = z.object({
  id: Id,
  taskId: Id,
  version: z.int(),
  state: z.enum(RUN_STATES),
  startMode: z.enum(START_MODES),
  startPosition: z.string().nullable(),
  startedAt: Time,
  endedAt: Time.nullable(),
  failovers: z.int(),
  error: Problem.nullable(),
});
export type Run = z.infer<typeof Run>;

export const ATTEMPT_STATES = ['running', 'stopped', 'failed'] as const;

export const Attempt = z.object({
  id: Id,
  runId: Id,
  number: z.int().describe('1 is the first; each failover makes the next'),
  state: z.enum(ATTEMPT_STATES),
  pid: z.int().nullable(),
  startedAt: Time,
  endedAt: Time.nullable(),
  error: Problem.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

export const RunDetail = Run.extend({ attempts: z.array(Attempt) });
export type RunDetail = z.infer<typeof RunDetail>;

export const WaitRun = z.strictObject({
  timeout: z.coerce.number().min(0).max(3600).default(60).describe('seconds'),
});
/** `ended`: the run is stopped or failed. */
export const WaitRunResult = z.object({ ended: z.boolean(), run: Run });
export type WaitRunResult = z.infer<typeof WaitRunResult>;

export const LogQuery = z.strictObject({
  tail: z.coerce.number().int().min(1).max(10_000).default(1000).describe('the last so many lines'),
});

/** JSON lines as the process wrote them; `truncated`: earlier lines were left out, or dropped by the cap of the file. */
export const AttemptLog = z.object({ lines: z.array(z.string()), truncated: z.boolean() });
export type AttemptLog = z.infer<typeof AttemptLog>;

/** A task's phases, in order. */
export const PHASES = ['initialization', 'full_load', 'incremental'] as const;
export type Phase = (typeof PHASES)[number];
