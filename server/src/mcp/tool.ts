import type { Call } from '@sluice/contract';
import type { z } from 'zod';

/** `destructive` tools answer a first call with what they would do and a value that agrees to it (confirmations.ts). */
export type ToolKind = 'read' | 'write' | 'destructive';

export interface Asked {
  /** To the HTTP API, by the contract's table of routes: a tool knows no other way to do anything. */
  readonly call: Call;
  /** The address of Studio, as the caller reaches the server. */
  readonly studio: () => Promise<string>;
  readonly args: Readonly<Record<string, unknown>>;
  /** Only once somebody has agreed to it; read by destructive tools alone. */
  readonly confirm: boolean;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kind: ToolKind;
  readonly input: z.ZodObject;
  /** @throws RemoteError CONFIRMATION_REQUIRED, or SluiceError with that code, where it is to be agreed to first */
  readonly run: (asked: Asked) => Promise<unknown>;
}

/** A tool with the types of its arguments: the schema has checked them before `run`. */
export function tool<I extends z.ZodObject>(definition: {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly kind: ToolKind;
  readonly input: I;
  readonly run: (asked: Omit<Asked, 'args'> & { readonly args: z.output<I> }) => Promise<unknown>;
}): Tool {
  return { ...definition, run: (asked) => definition.run({ ...asked, args: asked.args as z.output<I> }) };
}
