import type { Dialect, Operation } from '../dialect/dialect.ts';

/** What a data-plane route asks for; one constant object a route. */
export interface ProxyOperation {
  readonly dialect: Dialect;
  readonly operation: Operation;
  /** Upstream path below the vendor's version folder; for Gemini empty, the verb comes from the target. */
  readonly tail: string;
  /** `json` bodies are checked and may be rewritten; `media` takes multipart as well. */
  readonly body: 'json' | 'media';
  /** Where the model's name stands. */
  readonly modelIn: 'body' | 'path';
  /** Only JSON answers of moderate size are held back until whole; others flow as they come. */
  readonly answers: 'text' | 'binary';
}

const openai = (operation: Operation, tail: string, more: Partial<ProxyOperation> = {}): ProxyOperation => ({
  dialect: 'openai-chat',
  operation,
  tail,
  body: 'json',
  modelIn: 'body',
  answers: 'text',
  ...more,
});

export const operations = {
  chat: openai('chat', '/chat/completions'),
  completions: openai('completions', '/completions'),
  embeddings: openai('embeddings', '/embeddings'),
  imagesGenerations: openai('images', '/images/generations'),
  imagesEdits: openai('images', '/images/edits', { body: 'media' }),
  imagesVariations: openai('images', '/images/variations', { body: 'media' }),
  speech: openai('audio', '/audio/speech', { answers: 'binary' }),
  transcriptions: openai('audio', '/audio/transcriptions', { body: 'media' }),
  translations: openai('audio', '/audio/translations', { body: 'media' }),
  responses: openai('responses', '/responses', { dialect: 'openai-responses' }),
  responsesCompact: openai('responses', '/responses/compact', { dialect: 'openai-responses' }),
  responsesInputTokens: openai('responses-count', '/responses/input_tokens', { dialect: 'openai-responses' }),
  messages: openai('messages', '/messages', { dialect: 'anthropic-messages' }),
  countTokens: openai('count-tokens', '/messages/count_tokens', { dialect: 'anthropic-messages' }),
} as const;

const geminiVerbs: ReadonlyMap<string, Operation> = new Map([
  ['generateContent', 'gemini-generate'],
  ['streamGenerateContent', 'gemini-generate'],
  ['countTokens', 'gemini-count'],
  ['embedContent', 'gemini-embed'],
  ['batchEmbedContents', 'gemini-embed'],
]);

/** `M:verb` of a Gemini target, split at its last colon; undefined for an unknown verb or no model. */
export function parseGeminiSpec(spec: string): { readonly model: string; readonly operation: ProxyOperation } | undefined {
  const colon = spec.lastIndexOf(':');
  const verb = spec.slice(colon + 1);
  const operation = geminiVerbs.get(verb);
  if (colon < 1 || operation === undefined) return undefined;
  return { model: spec.slice(0, colon), operation: { dialect: 'gemini', operation, tail: verb, body: 'json', modelIn: 'path', answers: 'text' } };
}
