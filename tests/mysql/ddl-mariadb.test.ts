import { describeDdl } from './ddl.ts';

describeDdl('mariadb');
