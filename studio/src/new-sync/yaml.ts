type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Words that YAML would take for something else than text, and marks that mean something to it. */
const PLAIN = /^[A-Za-z_][\w./-]*$/;
const TAKEN = /^(y|n|yes|no|on|off|true|false|null)$/i;
const text = (value: string): string =>
  PLAIN.test(value) && !TAKEN.test(value) ? value : JSON.stringify(value);

const isEmpty = (value: Value): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** As YAML, in the form that `sluice task export` writes: blocks, and what is empty left out. */
export function yamlOf(value: Value, indent = ''): string {
  if (typeof value === 'string') return text(value);
  if (value === null || typeof value !== 'object') return String(value);
  const lines = Array.isArray(value)
    ? (value as readonly Value[]).map((one) => `- ${yamlOf(one, `${indent}  `).trimStart()}`)
    : Object.entries(value)
        .filter(([, one]) => !isEmpty(one))
        .map(([key, one]) =>
          typeof one === 'object' && one !== null
            ? `${text(key)}:\n${indent}  ${yamlOf(one, `${indent}  `)}`
            : `${text(key)}: ${yamlOf(one)}`,
        );
  return lines.join(`\n${indent}`);
}
