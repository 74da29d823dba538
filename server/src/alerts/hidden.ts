import type { ChannelSecrets } from './channel-secrets.ts';

/** Shorter pieces are no secret, and would hide half of any message. */
const SHORTEST = 4;
/** Pieces of a path that are words of the service's interface: `services`, `robot`, `webhook`. */
const WORD = /^[a-z_-]{1,12}$/;

/**
 * A text of somebody else's without what a channel keeps secret: a service that refuses a message likes to repeat the
 * path it was sent to, and that is the token. Hidden as they are, percent-encoded, and in base64, in which mail
 * servers are told passwords.
 */
export function hidden(secrets: ChannelSecrets, text: string): string {
  let shown = text;
  for (const piece of pieces(secrets)) shown = shown.replaceAll(piece, '***');
  return shown;
}

/** The longest first: a piece of another one would leave the rest of it behind. */
function pieces({ url, secret, password }: ChannelSecrets): readonly string[] {
  const found = new Set<string>();
  const add = (piece: string): void => {
    for (const form of [
      piece,
      encodeURIComponent(piece),
      encodeURI(piece),
      decoded(piece),
      JSON.stringify(piece).slice(1, -1),
      Buffer.from(piece).toString('base64'),
    ])
      if (form.length >= SHORTEST) found.add(form);
  };
  for (const one of [secret, password]) if (one !== undefined && one.length >= SHORTEST) add(one);
  if (url !== undefined) {
    add(url);
    if (URL.canParse(url)) for (const piece of piecesOfUrl(new URL(url))) add(piece);
  }
  return [...found].sort((a, b) => b.length - a.length);
}

/** Who hosts it is no secret. */
function piecesOfUrl({ href, pathname, search, searchParams, username, password }: URL): readonly string[] {
  const tokens = pathname.split('/').filter((segment) => segment.length >= SHORTEST && !WORD.test(segment));
  const values = [...searchParams.values()].filter((value) => value.length >= SHORTEST);
  const path = tokens.length > 0 ? [pathname + search, pathname] : [];
  return [href, ...path, ...tokens, ...values, username, password].filter(
    (piece) => piece.length >= SHORTEST,
  );
}

function decoded(piece: string): string {
  try {
    return decodeURIComponent(piece);
  } catch {
    return piece;
  }
}
