import { describeBlows } from './crash.ts';

describeBlows('mariadb');
