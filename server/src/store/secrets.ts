import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { SluiceError } from '@sluice/contract';

const HIDDEN = '***';

/** A secret in memory. Whatever prints it, prints ***; only `reveal` gives it away. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

export const SECRET_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1';

/** Seals secrets for the metastore: AES-256-GCM (NIST SP 800-38D) under the key of the data folder. */
export class Sealer {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    if (key.length !== SECRET_KEY_BYTES) throw new Error('the secret key has the wrong length');
    this.#key = key;
  }

  /**
   * @param owner what the secret belongs to (`data-source:7`); it opens for this owner only, so that a sealed text
   * copied to another row is of no use
   * @returns `v1.<nonce>.<tag>.<ciphertext>`, base64url
   */
  seal(secret: Secret, owner: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(additional(owner));
    const sealed = Buffer.concat([cipher.update(secret.reveal(), 'utf8'), cipher.final()]);
    return [VERSION, ...[nonce, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join(
      '.',
    );
  }

  /** @throws SluiceError INTERNAL where it was tampered with, or sealed with another key or for another owner */
  open(text: string, owner: string): Secret {
    const [version, ...parts] = text.split('.');
    const [nonce, tag, sealed] = parts.map((part) => Buffer.from(part, 'base64url'));
    if (
      version !== VERSION ||
      parts.length !== 3 ||
      nonce?.length !== NONCE_BYTES ||
      tag?.length !== TAG_BYTES
    )
      throw unreadable(owner);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(additional(owner));
      decipher.setAuthTag(tag);
      return new Secret(
        Buffer.concat([decipher.update(sealed ?? Buffer.alloc(0)), decipher.final()]).toString('utf8'),
      );
    } catch {
      throw unreadable(owner);
    }
  }
}

const additional = (owner: string): Buffer => Buffer.from(`sluice ${VERSION} ${owner}`, 'utf8');

const unreadable = (owner: string): SluiceError =>
  new SluiceError(
    'INTERNAL',
    `The saved password of ${owner} does not open with the key of this data folder.`,
    {
      remedy:
        'Put the right secret.key back into the data folder, or set the password of the data source again.',
    },
  );

/** The owner under which a data source's password is sealed. */
export const dataSourceOwner = (id: number): string => `data-source:${id}`;
