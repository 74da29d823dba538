// npm run build: the packages, then Studio where a file of it is newer than what was built.
import { build, buildStudio } from './setup.mjs';

process.exitCode = (await build()) || (await buildStudio());
