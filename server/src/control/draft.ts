import { SluiceError, TaskSpec } from '@sluice/contract';

/** What a task would sync; null where it was made and not configured yet. */
export function readDraft(json: string): TaskSpec | null {
  return TaskSpec.nullable().parse(JSON.parse(json));
}

/** @throws SluiceError CONFLICT where the task is not configured yet */
export function draftOf(task: { readonly name: string; readonly draft_json: string }): TaskSpec {
  const draft = readDraft(task.draft_json);
  if (draft !== null) return draft;
  throw new SluiceError('CONFLICT', `The task ${task.name} is not configured yet.`, {
    remedy: 'Say first what it syncs (PUT /tasks/:ref/draft, or sluice task apply).',
  });
}
