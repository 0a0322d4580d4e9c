import type { Party } from '../codec.ts';

/*
 * What differs between the services and models that are reached in this dialect. By names, as of 2026-11; a model without a name
 * counts as one of Google's current ones.
 */

export interface ModelTraits {
  /** How much it thinks is said by a level, or in tokens; models that do not think refuse either. */
  readonly thinking: 'level' | 'budget' | 'none';
  /** Bounds of a budget, where the vendor names them. */
  readonly budget: { readonly min: number; readonly max: number } | undefined;
  /** Thinking cannot be switched off by level; this is the least of it. */
  readonly lowestLevel: 'MINIMAL' | 'LOW';
  /** The first call of a step must be signed. */
  readonly needsSignatures: boolean;
  readonly takesCallIds: boolean;
  /** Functions beside Google's own tools, with nothing to be brought back of the latter. */
  readonly takesMixedTools: boolean;
  /** JSON output beside functions. */
  readonly takesJsonWithTools: boolean;
  /** Pictures and files within the result of a function. */
  readonly takesMediaResults: boolean;
  readonly takesPenalties: boolean;
  readonly takesInstruction: boolean;
  /** JSON Schema in members of its own; others read Gemini's `Schema` alone. */
  readonly takesJsonSchema: boolean;
  readonly isVertex: boolean;
  readonly isCodeAssist: boolean;
  /** Members of the request that only the Gemini API has. */
  readonly isGeminiApi: boolean;
  readonly maxOutputTokens: number | undefined;
}

/** @see https://ai.google.dev/gemini-api/docs/models */
export function traitsOf({ provider, model = 'gemini-latest', maxOutputTokens }: Party): ModelTraits {
  const name = model.toLowerCase().split('/').at(-1) ?? '';
  const isGemini = name.startsWith('gemini-');
  const version = versionOf(name);
  const isCurrent = isGemini && version >= 300;
  const isVertex = provider === 'vertex';
  const isCodeAssist = provider === 'google' || provider === 'antigravity';
  return {
    thinking: thinkingOf(name, isGemini, version),
    budget: budgetOf(name, isGemini),
    lowestLevel: isCurrent && hasMinimalLevel(name, version) ? 'MINIMAL' : 'LOW',
    // https://ai.google.dev/gemini-api/docs/thought-signatures
    needsSignatures: isCurrent && !name.includes('-image'),
    // Vertex refused them by name until 2026-07, and its older models never gave any.
    takesCallIds: !isVertex || isCurrent,
    // The Gemini API wants every step of its own tools brought back, which clients of other dialects cannot.
    takesMixedTools: isVertex && isCurrent,
    takesJsonWithTools: !isGemini || isCurrent,
    takesMediaResults: isCurrent,
    takesPenalties: isVertex || !isGemini || version < 205 || version >= 300,
    takesInstruction: !name.startsWith('gemma-'),
    takesJsonSchema: provider !== 'antigravity',
    isVertex,
    isCodeAssist,
    isGeminiApi: !isVertex && !isCodeAssist,
    maxOutputTokens: maxOutputTokens ?? (!isGemini || version >= 400 ? undefined : version >= 205 ? 65_536 : 8_192),
  };
}

/** 205 of `gemini-2.5-pro`; aliases such as `gemini-flash-latest` stand for the newest. */
function versionOf(name: string): number {
  const found = /^gemini-(\d+)(?:\.(\d+))?/.exec(name);
  if (found === null) return /^gemini-(?:pro|pro-vision)$/.test(name) ? 100 : 10_000;
  return Number(found[1]) * 100 + Number(found[2] ?? 0);
}

/** @see https://ai.google.dev/gemini-api/docs/thinking */
function thinkingOf(name: string, isGemini: boolean, version: number): ModelTraits['thinking'] {
  if (/^(?:gemma|learnlm|aqa|imagen|veo)/.test(name) || (isGemini && (version < 205 || /-tts|^gemini-2\.5-flash-image/.test(name)))) return 'none';
  return isGemini && version >= 300 && !name.startsWith('gemini-3-pro-image') ? 'level' : 'budget';
}

function budgetOf(name: string, isGemini: boolean): ModelTraits['budget'] {
  if (!isGemini) return undefined;
  if (name.includes('-pro')) return { min: 128, max: 32_768 };
  return { min: 0, max: 24_576 };
}

/** The pro models have none, nor has flash from 3.7 on, nor what is served as the latest. */
function hasMinimalLevel(name: string, version: number): boolean {
  if (name.includes('-pro') || version >= 400) return false;
  return version < 307 || name.includes('-lite');
}
