import { describeShardsUnderLoad } from './shards-under-load.ts';

describeShardsUnderLoad('postgres');
