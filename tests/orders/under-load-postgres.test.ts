import { describeOrders } from './under-load.ts';

describeOrders('postgres');
