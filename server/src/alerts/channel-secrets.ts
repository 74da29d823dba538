import type { ChannelKind } from '@sluice/contract';
import { type Sealer, Secret } from '../store/secrets.ts';

/** What the metastore shows of a channel to whoever can read it. */
export interface ChannelConfig {
  readonly host?: string;
  readonly port?: number;
  readonly security?: 'none' | 'starttls' | 'tls';
  readonly username?: string;
  readonly from?: string;
  readonly to?: readonly string[];
}

/** What it does not: kept as one sealed text. */
export interface ChannelSecrets {
  readonly url?: string;
  readonly secret?: string;
  readonly password?: string;
}

export interface Channel {
  readonly id: number;
  readonly name: string;
  readonly kind: ChannelKind;
  readonly config: ChannelConfig;
  readonly secrets: ChannelSecrets;
}

/** The owner under which a channel's secrets are sealed. */
const ownerOf = (id: number): string => `alert-channel:${id}`;

export function sealSecrets(sealer: Sealer, id: number, secrets: ChannelSecrets): string {
  return sealer.seal(new Secret(JSON.stringify(secrets)), ownerOf(id));
}

export function channelOf(
  row: {
    readonly id: number;
    readonly name: string;
    readonly kind: string;
    readonly config_json: string;
    readonly secret: string;
  },
  sealer: Sealer,
): Channel {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind as ChannelKind,
    config: JSON.parse(row.config_json) as ChannelConfig,
    secrets: JSON.parse(sealer.open(row.secret, ownerOf(row.id)).reveal()) as ChannelSecrets,
  };
}
