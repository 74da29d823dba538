import mysql, { type AuthPlugin } from 'mysql2';

/** Asks for the server's RSA key: caching_sha2_password sends 2, sha256_password 1 (MySQL internals, "Authentication"). */
const KEY_REQUESTS = { caching_sha2_password: 2, sha256_password: 1 } as const;

export interface PasswordPlugins {
  readonly plugins: Record<string, AuthPlugin>;
  /** The server was asked for its key and gave none: it has none, and takes such a password over TLS only. */
  keyRefused(): boolean;
}

/**
 * mysql2's own ways of sending a password encrypted, watched: a server without an RSA key answers the question for
 * it with the same "access denied" as a wrong password.
 */
export function passwordPlugins(): PasswordPlugins {
  let asked = false;
  let given = false;
  const watched = (name: keyof typeof KEY_REQUESTS): AuthPlugin => {
    const plugin = mysql.authPlugins[name]({
      onServerPublicKey: () => {
        given = true;
      },
    });
    return (metadata) => {
      const answerTo = plugin(metadata);
      return (data: Buffer) => {
        const answer = answerTo(data) as Buffer | null;
        if (answer?.length === 1 && answer[0] === KEY_REQUESTS[name]) asked = true;
        return answer as Buffer;
      };
    };
  };
  return {
    plugins: {
      caching_sha2_password: watched('caching_sha2_password'),
      sha256_password: watched('sha256_password'),
    },
    keyRefused: () => asked && !given,
  };
}
