// A plain client beside which the mirror is measured.
import { spawn } from 'node:child_process';

/** Seconds that a program takes whose output nobody wants. @throws what it said, where it failed */
export async function secondsOf(command, args, options = {}) {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
  return (performance.now() - begun) / 1000;
}
