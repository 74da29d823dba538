import { testQueue } from './queue.ts';

testQueue('mysql');
