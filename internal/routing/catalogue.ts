import type { Account, ProviderKind } from '../accounts/account.ts';

/** When the names below were last looked over; `/v1/models` gives it as their creation date. */
export const catalogueDate = '2026-11-01';

interface Vendor {
  /** Listed for accounts that name no models themselves. */
  readonly names: readonly string[];
  /** Which names are this vendor's, known or not. */
  readonly pattern: RegExp;
}

const gemini: Vendor = {
  names: [
    'gemini-2.5-flash', 'gemini-2.5-flash-image', 'gemini-2.5-flash-lite', 'gemini-2.5-pro',
    'gemini-3-flash-preview', 'gemini-3.1-flash-lite', 'gemini-3.1-pro-preview', 'gemini-3.5-flash', 'gemini-3.5-flash-lite', 'gemini-3.6-flash',
    'gemini-embedding-001', 'gemini-flash-latest', 'gemini-pro-latest',
  ],
  pattern: /^(?:gemini|gemma|imagen|learnlm|veo|embedding|text-embedding-00\d|text-multilingual-embedding|aqa)(?:-|$)/,
};

/** ChatGPT's own backend: the models of its plans, none of the other endpoints. */
const codex: Vendor = {
  names: ['gpt-5.6-luna', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.5', 'gpt-5.4', 'gpt-5.4-mini', 'gpt-5.3-codex', 'gpt-5.3-codex-spark', 'gpt-5.2'],
  pattern: /^(?:gpt|chatgpt|codex|o\d+)(?:[-.]|$)/,
};

/** Google's agent plan serves other vendors' models beside its own. */
const antigravity: Vendor = {
  names: [
    'claude-opus-4-6-thinking', 'claude-sonnet-4-6', 'gemini-3-flash', 'gemini-3.1-flash-image', 'gemini-3.1-flash-lite', 'gemini-3.1-pro-high', 'gemini-3.1-pro-low',
    'gemini-3.5-flash-lite', 'gpt-oss-120b-medium',
  ],
  pattern: /^(?:gemini|claude|gpt-oss)-/,
};

/**
 * What vendors are known to serve. It only decides what is listed for accounts that name no models; where an unprefixed
 * name goes is decided by the pattern, so that a model that came out yesterday routes (ADR 0004).
 */
const vendors: Readonly<Partial<Record<ProviderKind, Vendor>>> = {
  openai: {
    names: [
      'gpt-5.6', 'gpt-5.5', 'gpt-5.4', 'gpt-5.4-mini', 'gpt-5.4-nano', 'gpt-5.4-pro', 'gpt-5.2', 'gpt-5.2-pro', 'gpt-5.1', 'gpt-5', 'gpt-5-mini', 'gpt-5-nano',
      'gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'gpt-4o', 'gpt-4o-mini', 'o3', 'o4-mini',
      'gpt-image-1', 'gpt-4o-mini-tts', 'gpt-4o-transcribe', 'tts-1', 'whisper-1', 'text-embedding-3-large', 'text-embedding-3-small',
    ],
    pattern: /^(?:ft:)?(?:gpt|chatgpt|codex|o\d+|text-embedding-(?:3|ada)|text-moderation|omni-moderation|dall-e|whisper|tts|davinci|babbage|computer-use|sora)(?:[-.:]|$)/,
  },
  anthropic: {
    names: [
      'claude-fable-5', 'claude-fable-5-1', 'claude-haiku-4-5', 'claude-haiku-5-5', 'claude-opus-4-5', 'claude-opus-4-6', 'claude-opus-4-7', 'claude-opus-4-8',
      'claude-opus-5', 'claude-opus-5-5', 'claude-sonnet-4-5', 'claude-sonnet-4-6', 'claude-sonnet-5', 'claude-sonnet-5-5',
    ],
    pattern: /^claude-/,
  },
  gemini,
  vertex: gemini,
  google: gemini,
  codex,
  antigravity,
  iflow: {
    names: ['deepseek-v3.2', 'glm-4.7', 'iflow-rome-30ba3b', 'kimi-k2-thinking', 'kimi-k2.5', 'minimax-m2.5', 'qwen3-coder-plus', 'qwen3-max'],
    pattern: /^(?:qwen|kimi|deepseek|glm|minimax|iflow|tstars)/,
  },
  qwen: { names: ['coder-model', 'qwen3-coder-flash', 'qwen3-coder-plus', 'vision-model'], pattern: /^(?:qwen|coder-model$|vision-model$)/ },
  kimi: { names: ['kimi-for-coding', 'kimi-k2-thinking', 'kimi-k2.5', 'kimi-k2.6'], pattern: /^(?:kimi|moonshot)-/ },
  xai: { names: ['grok-4.6', 'grok-4.5', 'grok-4.3', 'grok-build-0.1', 'grok-3-mini'], pattern: /^grok-/ },
};

/** Endpoints of the operator's own: nobody knows what they serve, so they take any name (ADR 0004). */
export function hasUnknownContent(provider: ProviderKind): boolean {
  return provider === 'openai-compatibility' || provider === 'oauth';
}

/** Whose model a name is: Google's agent plan serves other vendors' models beside its own. */
export function ownerOfModel({ provider, owner }: Pick<Account, 'provider' | 'owner'>, model: string): string {
  if (provider !== 'antigravity') return owner;
  if (model.startsWith('claude-')) return 'anthropic';
  if (model.startsWith('gpt-')) return 'openai';
  return gemini.pattern.test(model) ? 'google' : owner;
}

/** Names to list for an account of this vendor that names no models; empty for endpoints of unknown content. */
export function catalogueNames(provider: ProviderKind): readonly string[] {
  return vendors[provider]?.names ?? [];
}

/** Whether an unprefixed name is this vendor's by its look. */
export function isVendorName(provider: ProviderKind, model: string): boolean {
  return vendors[provider]?.pattern.test(model) ?? false;
}
