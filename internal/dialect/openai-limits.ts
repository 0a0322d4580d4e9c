import type { Party } from './codec.ts';

/*
 * The most that OpenAI's models answer with, where that is less than what clients of other vendors ask for. As of 2026-11.
 */

/** @see https://developers.openai.com/api/docs/models */
const limits: readonly (readonly [RegExp, number])[] = [
  [/^gpt-3\.5|^gpt-4-(?:turbo|\d{4}-preview|vision)|^gpt-4o-2024-05-13/, 4_096],
  [/^gpt-4(?:$|-0)/, 8_192],
  [/^(?:gpt-4o|gpt-4\.5|chatgpt-4o|gpt-5(?:\.\d+)?-chat)/, 16_384],
  [/^(?:gpt-4\.1|o1-preview)/, 32_768],
  [/^o1-mini/, 65_536],
  [/^o[134](?:$|-)/, 100_000],
];

/** By the name of a model at OpenAI itself: others give its names to models of their own. Undefined where it is not known. */
export function openAiOutputLimit({ model, vendor, maxOutputTokens }: Party): number | undefined {
  const name = model?.toLowerCase();
  return maxOutputTokens ?? (vendor !== 'openai' || name === undefined ? undefined : limits.find(([names]) => names.test(name))?.[1]);
}
