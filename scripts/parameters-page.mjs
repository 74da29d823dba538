// node scripts/parameters-page.mjs: writes docs/parameters.md anew from contract/src/parameters.ts (after npm run build).
// tests/structure.test.ts fails while the page says something else than the code.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const UNITS = {
  duration: 'duration: a number with `ms`, `s`, `m`, `h` or `d` behind it',
  bytes: 'bytes: a number, or one with `KB`, `MB` or `GB` behind it (powers of 1024)',
  megabytes: 'megabytes: a whole number',
  count: 'a whole number',
  text: 'text',
  choice: 'one of the words',
};

const HEAD = `# Parameters of a task

<!-- Written by scripts/parameters-page.mjs from contract/src/parameters.ts. Change that table, then run the script. -->

A parameter is set with \`--set name=value\` when a task is made, or in \`parameters\` of its draft (\`PUT
/api/v1/tasks/:ref/draft\`). Values travel as text. A name that does not exist, or a value out of bounds, is refused with
\`INVALID_REQUEST\` when the draft is saved.

A draft counts when it is published. A run that is under way takes the new version over at once where it differs only in
tables, schemas and the parameters that are marked as live below; otherwise it goes on with its own version, through all
of its failovers, and the new one counts from the next start.
`;

/**
 * @param {Readonly<Record<string, { unit: string, default: string | null, bounds: string, description: string }>>} parameters
 * @param {ReadonlySet<string>} live those that a running task takes over
 * @returns {string} the page
 */
export function parametersPage(parameters, live) {
  const sections = Object.entries(parameters).map(
    ([name, rule]) => `
## ${name}

${rule.description}

- Value: ${UNITS[rule.unit]}
- Allowed: ${rule.bounds}${live.has(name) ? '\n- Live: a running task takes a new value over when it is published' : ''}
- Default: ${rule.default === null ? 'none' : `\`${rule.default}\``}
`,
  );
  return HEAD + sections.join('');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const { LIVE_PARAMETERS, PARAMETERS } = await import('../contract/dist/index.js');
  writeFileSync(join(root, 'docs', 'parameters.md'), parametersPage(PARAMETERS, LIVE_PARAMETERS));
}
