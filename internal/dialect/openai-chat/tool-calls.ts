import { isRecord, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import { readSignature, tagSignature } from '../ir/signatures.ts';

/*
 * Where Gemini's own OpenAI endpoint puts the signature of a call, and clients that know Gemini look for it.
 * https://ai.google.dev/gemini-api/docs/thought-signatures
 */

/** The text of a call's signature; undefined for none. */
export function signatureText(call: JsonRecord): string | undefined {
  const text = textOf(memberOf(memberOf(call['extra_content'], 'google'), 'thought_signature'));
  return text === '' ? undefined : text;
}

/** As a client brings it back: tagged, or Google's own. */
export function readCallSignature(call: JsonRecord): Signature | undefined {
  const text = signatureText(call);
  return text === undefined ? undefined : readSignature(text, 'google');
}

export function writeCallSignature(text: string): JsonRecord {
  return { extra_content: { google: { thought_signature: text } } };
}

/** For a client. */
export function tagCallSignature(signature: Signature | undefined): JsonRecord {
  return signature === undefined ? {} : writeCallSignature(tagSignature(signature));
}

/** Arguments as text; imitations send an object. */
export function argumentsOf(value: unknown): string {
  if (isRecord(value) || Array.isArray(value)) return JSON.stringify(value);
  return textOf(value) ?? '';
}

/** Arguments that parse: a function without any is called with an empty object. */
export function wholeArguments(text: string): string {
  return text.trim() === '' ? '{}' : text;
}
