import { describeBlows } from './crash.ts';

describeBlows('postgres');
