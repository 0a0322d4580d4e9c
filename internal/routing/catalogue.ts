import type { ProviderKind } from '../accounts/account.ts';

/** When the names below were last looked over; `/v1/models` gives it as their creation date. */
export const catalogueDate = '2026-11-01';

interface Vendor {
  /** Listed for accounts that name no models themselves. */
  readonly names: readonly string[];
  /** Which names are this vendor's, known or not. */
  readonly pattern: RegExp;
}

const gemini: Vendor = {
  names: ['gemini-2.0-flash', 'gemini-2.0-flash-lite', 'gemini-2.5-flash', 'gemini-2.5-flash-lite', 'gemini-2.5-pro', 'gemini-3-pro-preview', 'gemini-embedding-001'],
  pattern: /^(?:models\/)?(?:gemini|gemma|imagen|learnlm|veo|embedding|text-embedding-00\d|aqa)(?:-|$)/,
};

/**
 * What vendors are known to serve. It only decides where an unprefixed name goes when accounts name no models; a name
 * missing here still goes by the pattern (ADR 0004).
 */
const vendors: Readonly<Partial<Record<ProviderKind, Vendor>>> = {
  openai: {
    names: ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'gpt-4o', 'gpt-4o-mini', 'gpt-5', 'gpt-5-codex', 'gpt-5-mini', 'gpt-5-nano', 'gpt-5.1', 'gpt-5.1-codex', 'gpt-image-1', 'gpt-4o-mini-tts', 'gpt-4o-transcribe', 'o3', 'o4-mini', 'text-embedding-3-large', 'text-embedding-3-small', 'tts-1', 'whisper-1'],
    pattern: /^(?:ft:)?(?:gpt|chatgpt|codex|o\d+|text-embedding-(?:3|ada)|dall-e|whisper|tts|davinci|babbage|omni-moderation|computer-use|sora)(?:[-.]|$)/,
  },
  anthropic: {
    names: ['claude-3-5-haiku-20241022', 'claude-haiku-4-5', 'claude-opus-4-1', 'claude-opus-4-5', 'claude-sonnet-4-0', 'claude-sonnet-4-5'],
    pattern: /^claude-/,
  },
  gemini,
  vertex: gemini,
};

/** Names to list for an account of this vendor that names no models; empty for endpoints of unknown content. */
export function catalogueNames(provider: ProviderKind): readonly string[] {
  return vendors[provider]?.names ?? [];
}

/** Whether an unprefixed name is this vendor's by its look. */
export function isVendorName(provider: ProviderKind, model: string): boolean {
  return vendors[provider]?.pattern.test(model) ?? false;
}
