import type { IcebergField } from '../metadata.ts';

/** Reserved field ids of position-delete files (spec section "Reserved Field IDs"). */
export const FILE_PATH_ID = 2_147_483_546;
export const POSITION_ID = 2_147_483_545;

export const POSITION_DELETE_FIELDS: readonly IcebergField[] = [
  { id: FILE_PATH_ID, name: 'file_path', required: true, type: 'string' },
  { id: POSITION_ID, name: 'pos', required: true, type: 'long' },
];
