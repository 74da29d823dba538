import type { ButtonHTMLAttributes } from 'react';
import { useState } from 'react';
import { Link } from '../routing/location.tsx';

type Look = 'primary' | 'danger' | 'quiet' | 'plain';

/** `why`: why it cannot be pressed now; then it cannot. */
export function Button({
  look = 'plain',
  small = false,
  why,
  ...rest
}: {
  look?: Look;
  small?: boolean;
  why?: string | null | undefined;
} & ButtonHTMLAttributes<HTMLButtonElement>) {
  const barred = typeof why === 'string';
  return (
    <button
      type="button"
      {...rest}
      className={`button ${look} ${small ? 'small' : ''}`}
      disabled={barred || rest.disabled}
      title={barred ? why : rest.title}
    />
  );
}

export function ButtonLink({ to, look = 'plain', children }: { to: string; look?: Look; children: string }) {
  return (
    <Link to={to} className={`button ${look}`}>
      {children}
    </Link>
  );
}

/** A text to take along: a statement, a command. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="code">
      <pre>{text}</pre>
      <Button small onClick={() => void copy()} aria-label={`Copy ${label}`}>
        {copied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}
