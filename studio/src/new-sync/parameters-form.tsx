import { PARAMETERS, type ParameterRule } from '@sluice/contract/parameters';
import { TextField } from '../design/field.tsx';
import { count } from '../format/numbers.ts';

const UNITS: Readonly<Record<ParameterRule<unknown>['unit'], string>> = {
  duration: 'with ms, s, m, h or d behind it',
  bytes: 'bytes, or with KB, MB or GB behind it',
  megabytes: 'megabytes',
  count: 'a whole number',
  text: '',
  choice: '',
};

/** Each parameter of the contract's table, with its unit, its bounds and its default. */
export function ParametersForm({
  values,
  onChange,
}: {
  values: Readonly<Record<string, string>>;
  onChange: (values: Readonly<Record<string, string>>) => void;
}) {
  const put = (name: string, text: string) => {
    const { [name]: _, ...others } = values;
    onChange(text.trim() === '' ? others : { ...others, [name]: text });
  };
  const set = Object.keys(values).length;
  return (
    <details className="card">
      <summary>
        Parameters <span className="muted">{set === 0 ? 'all as by default' : `${count(set)} set`}</span>
      </summary>
      <div className="inside fields">
        {Object.entries<ParameterRule<unknown>>(PARAMETERS).map(([name, rule]) => {
          const value = values[name] ?? '';
          const wrong = value !== '' && rule.parse(value) === undefined;
          const allowed = [rule.bounds, UNITS[rule.unit]].filter((text) => text !== '').join('; ');
          return (
            <TextField
              key={name}
              label={name}
              value={value}
              placeholder={rule.default ?? 'none'}
              aria-invalid={wrong}
              onText={(text) => put(name, text)}
              hint={
                <>
                  {wrong ? <strong className="bad-text">Allowed is {allowed}.</strong> : `${allowed}.`}{' '}
                  {rule.description}
                </>
              }
            />
          );
        })}
      </div>
    </details>
  );
}
