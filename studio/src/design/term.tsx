import { type ReactNode, useId, useState } from 'react';

const WIDTH = 280;

/** A word with what it means: on a pointer that rests on it, on the keyboard's focus, on a touch. */
export function Term({ about, children }: { about: string; children: ReactNode }) {
  const id = useId();
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);
  const show = (word: HTMLElement) => {
    const { left, bottom } = word.getBoundingClientRect();
    setPlace({ left: Math.max(8, Math.min(left, window.innerWidth - WIDTH - 8)), top: bottom + 6 });
  };
  const hide = () => setPlace(null);
  return (
    <>
      <button
        type="button"
        className="term"
        aria-describedby={place === null ? undefined : id}
        onMouseEnter={(event) => show(event.currentTarget)}
        onMouseLeave={hide}
        onFocus={(event) => show(event.currentTarget)}
        onBlur={hide}
        onClick={(event) => show(event.currentTarget)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') hide();
        }}
      >
        {children}
      </button>
      {/* Fixed, so that no box that scrolls cuts it off. */}
      {place !== null && (
        <span role="tooltip" id={id} className="tip" style={{ ...place, maxWidth: WIDTH }}>
          {about}
        </span>
      )}
    </>
  );
}
