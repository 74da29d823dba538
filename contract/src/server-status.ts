import { z } from 'zod';
import { Time } from './primitives.ts';

export const ServerStatus = z.object({
  version: z.string(),
  startedAt: Time,
  uptimeSeconds: z.number(),
  dataDir: z.string(),
  warehouse: z.string(),
  tasks: z.object({ total: z.int(), running: z.int(), failed: z.int() }),
});
export type ServerStatus = z.infer<typeof ServerStatus>;
