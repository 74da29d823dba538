import type { Tool } from '../tool.ts';
import { CONFIGURATION_TOOLS } from './configuration.ts';
import { DATA_SOURCE_TOOLS } from './data-sources.ts';
import { LAKE_TOOLS } from './lake.ts';
import { OPERATION_TOOLS } from './operations.ts';
import { TROUBLESHOOTING_TOOLS } from './troubleshooting.ts';

/** In the order in which somebody new needs them. */
export const TOOLS: readonly Tool[] = [
  ...DATA_SOURCE_TOOLS,
  ...CONFIGURATION_TOOLS,
  ...OPERATION_TOOLS,
  ...LAKE_TOOLS,
  ...TROUBLESHOOTING_TOOLS,
];
