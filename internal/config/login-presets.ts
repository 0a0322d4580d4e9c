import type { Dialect } from '../dialect/dialect.ts';

/** What the config has to know of a vendor's login; the rest is `providers/logins/vendors.ts`, and a test holds them together. */
export interface LoginPreset {
  readonly aliases: readonly string[];
  /** Values of `grant` that fit. */
  readonly grants: readonly ('authorization-code' | 'device')[];
  /** Spoken where its tokens are spent unless `base-url` leads elsewhere. */
  readonly dialects: readonly Dialect[];
  /** Its paths are its own, so that another `base-url` does not make it speak another dialect. */
  readonly isBoundToDialects: boolean;
}

/** By the name below `oauth` in the config. */
export const loginPresets: ReadonlyMap<string, LoginPreset> = new Map<string, LoginPreset>([
  ['anthropic', { aliases: ['claude'], grants: ['authorization-code'], dialects: ['anthropic-messages'], isBoundToDialects: false }],
  ['codex', { aliases: ['openai', 'chatgpt'], grants: ['authorization-code', 'device'], dialects: ['openai-responses'], isBoundToDialects: false }],
  ['google', { aliases: ['gemini-cli', 'gemini'], grants: ['authorization-code'], dialects: ['gemini'], isBoundToDialects: true }],
  ['antigravity', { aliases: ['anti-gravity'], grants: ['authorization-code'], dialects: ['gemini'], isBoundToDialects: true }],
  ['iflow', { aliases: ['i-flow'], grants: ['authorization-code'], dialects: ['openai-chat'], isBoundToDialects: false }],
  ['qwen', { aliases: [], grants: ['device'], dialects: ['openai-chat'], isBoundToDialects: false }],
  ['kimi', { aliases: [], grants: ['device'], dialects: ['openai-chat', 'anthropic-messages'], isBoundToDialects: false }],
  ['xai', { aliases: ['x-ai', 'x.ai', 'grok'], grants: ['device'], dialects: ['openai-responses', 'openai-chat'], isBoundToDialects: false }],
  ['vertex', { aliases: [], grants: [], dialects: ['gemini'], isBoundToDialects: true }],
]);

const presetNames: ReadonlyMap<string, string> = new Map([...loginPresets].flatMap(([name, { aliases }]) => [name, ...aliases].map((spelling) => [spelling, name] as const)));

/** The preset that a name below `oauth` overrides; undefined for an endpoint of the operator's own. */
export function presetOf(name: string): { readonly name: string; readonly preset: LoginPreset } | undefined {
  const canonical = presetNames.get(name.toLowerCase());
  const preset = canonical === undefined ? undefined : loginPresets.get(canonical);
  return canonical === undefined || preset === undefined ? undefined : { name: canonical, preset };
}
