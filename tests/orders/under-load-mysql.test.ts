import { describeOrders } from './under-load.ts';

describeOrders('mysql');
