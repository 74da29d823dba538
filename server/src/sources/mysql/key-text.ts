import { SluiceError } from '@sluice/contract';
import type { NativeType } from './native-type.ts';
import { quoteLiteral } from './quote.ts';

/** SQL of a constant that equals a column whose value has this text in a line (model/change.ts). */
export function literalOfText(native: NativeType, text: string): string {
  switch (native.kind) {
    case 'integer':
    case 'year':
    case 'decimal':
      return number(text);
    case 'float':
    case 'double':
      return /e/i.test(text) ? number(text) : `${number(text)}e0`;
    case 'bit':
      return text.startsWith('\\x') ? String(BigInt(`0x${hexOf(text)}`)) : number(text);
    case 'bytes':
      return `x'${hexOf(text)}'`;
    default:
      return quoteLiteral(text);
  }
}

function number(text: string): string {
  if (/^-?\d*\.?\d+(e[-+]?\d+)?$/i.test(text)) return text;
  throw new SluiceError('INTERNAL', `not a number of a key: ${text}`);
}

function hexOf(text: string): string {
  if (/^\\x([0-9a-f]{2})*$/i.test(text)) return text.slice(2);
  throw new SluiceError('INTERNAL', `not the bytes of a key: ${text}`);
}
