import { describePublishing } from './publishing.ts';

describePublishing('mysql');
