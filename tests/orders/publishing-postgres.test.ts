import { describePublishing } from './publishing.ts';

describePublishing('postgres');
