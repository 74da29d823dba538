import { testQueue } from './queue.ts';

testQueue('postgres');
