import type { Party } from '../codec.ts';
import { listOf, parseJson, textOf } from './json.ts';
import type { Signature } from './parts.ts';

/** Base64 of `["kw1"`: what every tagged value begins with, so that it is found in a body without parsing it. */
export const tagPrefix = 'WyJrdzEi';

/**
 * A signature as it travels through a client of another dialect: in that dialect's own field, with its maker's name, so that it
 * finds its way back. Base64, since Gemini's field is bytes.
 */
export function tagSignature({ vendor, account, value }: Signature): string {
  return Buffer.from(JSON.stringify(['kw1', vendor, account ?? '', value])).toString('base64');
}

/** What a client sent in a signature's field: a tagged one, or `vendor`'s own. */
export function readSignature(text: string, vendor: string): Signature {
  return readTag(text) ?? { vendor, account: undefined, value: text };
}

function readTag(text: string): Signature | undefined {
  if (!text.startsWith(tagPrefix)) return undefined;
  const [mark, vendor, account, value] = listOf(parseJson(Buffer.from(text, 'base64').toString('utf8'))).map(textOf);
  if (mark !== 'kw1' || vendor === undefined || value === undefined) return undefined;
  return { vendor, account: account === undefined || account === '' ? undefined : account, value };
}

/** The value to send to `target`; undefined where it did not make it. What OpenAI encrypts is good in the account that got it alone. */
export function signatureFor(signature: Signature | undefined, target: Party): string | undefined {
  if (signature === undefined || signature.vendor !== target.vendor) return undefined;
  const isBound = target.dialect === 'openai-responses' && signature.account !== undefined;
  return isBound && signature.account !== target.account ? undefined : signature.value;
}
