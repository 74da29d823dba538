import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, useId } from 'react';

/** The hint describes the control, and is no part of its name. */
function Labelled({
  label,
  hint,
  children,
}: {
  label: string;
  hint?: ReactNode;
  children: (describedBy: { 'aria-describedby'?: string }) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="field">
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children */}
      <label className="field">
        <span>{label}</span>
        {children(hint === undefined ? {} : { 'aria-describedby': id })}
      </label>
      {hint !== undefined && <small id={id}>{hint}</small>}
    </div>
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
      {(by) => <input {...rest} {...by} className="input" onChange={(event) => onText(event.target.value)} />}
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
      {(by) => (
        <select {...rest} {...by} className="input" onChange={(event) => onText(event.target.value)}>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
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
