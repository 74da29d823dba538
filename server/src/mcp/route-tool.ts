import { API, type ApiName, type Call, type Route, SluiceError } from '@sluice/contract';
import { z } from 'zod';
import { PAGE_FIELDS, pageOf } from './pages.ts';
import type { Tool, ToolKind } from './tool.ts';

/** A tool that is one route: what it takes and what it is for come from the contract. */
export interface RouteTool {
  readonly name: string;
  readonly route: ApiName;
  readonly kind: ToolKind;
  readonly title: string;
  /** What the route's summary does not say. */
  readonly more?: string;
  /** The route's names of fields, and the tool's. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Fields by their name at the route that take another schema: a query string's `true` is a word, a tool's is none. */
  readonly fields?: Readonly<Record<string, z.ZodType>>;
  /** Fields that are always sent so. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** Where the server does not ask before it destroys. */
  readonly consequences?: (args: Readonly<Record<string, unknown>>) => string | null;
}

type Place = 'params' | 'query' | 'body';
const PLACES: readonly Place[] = ['params', 'query', 'body'];

interface Field {
  readonly place: Place;
  readonly name: string;
  readonly schema: z.ZodType;
}

export function routeTool(definition: RouteTool): Tool {
  const { name, kind, title, rename = {}, fields = {}, fixed = {}, consequences } = definition;
  const route: Route = API[definition.route];
  const taken = fieldsOf(route);
  const asks = taken.find((field) => field.name === 'confirm');
  const pages =
    kind === 'read' && route.response instanceof z.ZodArray && taken.every((field) => field.name !== 'limit');
  const shape: Record<string, z.ZodType> = {};
  for (const field of taken) {
    if (field.name === 'confirm' || field.name in fixed) continue;
    shape[rename[field.name] ?? field.name] = fields[field.name] ?? field.schema;
  }
  if (pages) Object.assign(shape, PAGE_FIELDS);
  return {
    name,
    title,
    kind,
    description: definition.more === undefined ? `${route.summary}.` : `${route.summary}. ${definition.more}`,
    input: z.strictObject(shape),
    run: async ({ call, args, confirm }) => {
      const first = confirm ? null : (consequences?.(args) ?? null);
      if (first !== null) throw new SluiceError('CONFIRMATION_REQUIRED', first);
      const request: Record<Place, Record<string, unknown>> = { params: {}, query: {}, body: {} };
      for (const { place, name: field } of taken) {
        const value = field in fixed ? fixed[field] : args[rename[field] ?? field];
        if (value !== undefined) request[place][field] = value;
      }
      if (asks !== undefined) request[asks.place].confirm = confirm;
      const answer = await send(call, definition.route, request);
      return pages ? pageOf(answer as readonly unknown[], PageRequest.parse(args)) : answer;
    },
  };
}

const PageRequest = z.object(PAGE_FIELDS);

/** The schema of the tool has checked what the types cannot follow here; the server checks it again. */
function send(call: Call, name: ApiName, request: Record<Place, Record<string, unknown>>): Promise<unknown> {
  const any = call as unknown as (name: ApiName, request: unknown) => Promise<unknown>;
  return any(name, request);
}

function fieldsOf(route: Route): Field[] {
  return PLACES.flatMap((place) => {
    const schema = route[place];
    if (schema === undefined) return [];
    if (!(schema instanceof z.ZodObject))
      throw new Error(`${route.path} takes no object as its ${place}, and can be no tool of its own`);
    return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, one]) => ({
      place,
      name,
      schema: one,
    }));
  });
}
