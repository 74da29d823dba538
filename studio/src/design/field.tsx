import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes } from 'react';

function Labelled({ label, hint, children }: { label: string; hint?: ReactNode; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
    <label className="field">
      <span>{label}</span>
      {children}
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

export function TextField({
  label,
  hint,
  onText,
  ...rest
}: {
  label: string;
  hint?: ReactNode;
  onText: (text: string) => void;
} & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Labelled label={label} hint={hint}>
      <input {...rest} className="input" onChange={(event) => onText(event.target.value)} />
    </Labelled>
  );
}

export function SelectField({
  label,
  hint,
  onText,
  options,
  ...rest
}: {
  label: string;
  hint?: ReactNode;
  onText: (text: string) => void;
  options: readonly (readonly [string, string])[];
} & SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <Labelled label={label} hint={hint}>
      <select {...rest} className="input" onChange={(event) => onText(event.target.value)}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Choice({
  name,
  title,
  checked,
  disabled,
  onChoose,
  children,
}: {
  name: string;
  title: string;
  checked: boolean;
  disabled?: boolean;
  onChoose: () => void;
  children?: ReactNode;
}) {
  return (
    <label className="choice">
      <input type="radio" name={name} checked={checked} disabled={disabled} onChange={onChoose} />
      <span>
        <b>{title}</b>
        <span>{children}</span>
      </span>
    </label>
  );
}
