import type { Dialect } from '../../internal/dialect/dialect.ts';
import { isRecord, parseJson } from '../../internal/dialect/ir/json.ts';
import type { TappedRequest } from './tap.ts';
import { brokenRules } from './vendor-rules.ts';

interface Upstream {
  /** The account in Keyward's config; serves what clients call `alias`. */
  readonly config: (url: string, alias: string) => string;
  /** Where generating requests of this dialect go. */
  readonly path: RegExp;
  /** Members that no request of this dialect lacks. */
  readonly members: readonly string[];
}

/** A made-up key, which the agent must never be given. */
export const upstreamKey = 'sk-upstream-of-the-agents-test';

/** Of each dialect an account, under a name that the vendor itself might have. */
export const upstreams: Readonly<Record<Dialect, Upstream>> = {
  'openai-chat': {
    config: (url, alias) => `openai-compatibility:\n  - { name: sim, base-url: "${url}/v1", api-key-entries: [{ api-key: "${upstreamKey}" }], models: [{ name: chat-model, alias: "${alias}" }], dialects: [openai-chat] }\n`,
    path: /^\/v1\/chat\/completions$/,
    members: ['messages', 'model'],
  },
  'openai-responses': {
    config: (url, alias) => `codex-api-key:\n  - { api-key: "${upstreamKey}", base-url: "${url}/v1", models: [{ name: gpt-5.5, alias: "${alias}" }], dialects: [openai-responses] }\n`,
    path: /^\/v1\/responses$/,
    members: ['input', 'model'],
  },
  'anthropic-messages': {
    config: (url, alias) => `claude-api-key:\n  - { api-key: "${upstreamKey}", base-url: "${url}", models: [{ name: claude-opus-5-5, alias: "${alias}" }] }\n`,
    path: /^\/v1\/messages(?:\?|$)/,
    members: ['messages', 'max_tokens', 'model'],
  },
  gemini: {
    config: (url, alias) => `gemini-api-key:\n  - { api-key: "${upstreamKey}", base-url: "${url}", models: [{ name: gemini-3.1-pro-preview, alias: "${alias}" }] }\n`,
    path: /^\/v1beta\/models\/[^/]+:(?:streamG|g)enerateContent(?:\?|$)/,
    members: ['contents'],
  },
};

/** What is wrong with what reached the upstream; empty where all of it is of the dialect and keeps its rules, carries Keyward's key and was answered. */
export function faultsOf(dialect: Dialect, seen: readonly TappedRequest[]): readonly string[] {
  const { path, members } = upstreams[dialect];
  if (seen.length === 0) return ['nothing reached the upstream'];
  return seen.flatMap(({ method, url, headers, body, status, answer }) => {
    const name = `${method} ${url}`;
    const value = parseJson(body);
    const missing = members.filter((member) => !isRecord(value) || value[member] === undefined);
    return [
      ...(path.test(url) ? [] : [`${name} is not of ${dialect}`]),
      ...(missing.length === 0 ? [] : [`${name} lacks ${missing.join(', ')}`]),
      ...(isRecord(value) ? brokenRules[dialect](value).map((fault) => `${name}: ${fault}`) : []),
      ...(JSON.stringify(headers).includes(upstreamKey) ? [] : [`${name} came without the upstream key`]),
      ...(status < 400 ? [] : [`${name} was answered ${status}: ${answer.slice(0, 300)}`]),
    ];
  });
}
