import { describeBlows } from './crash.ts';

describeBlows('mysql');
