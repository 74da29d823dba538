import { describeDdl } from './ddl.ts';

describeDdl('mysql');
