// npm run build: the packages, then Studio where a file of it is newer than what was built.
import { build, buildStudio, installDependencies } from './setup.mjs';

await installDependencies();
process.exitCode = (await build()) || (await buildStudio());
