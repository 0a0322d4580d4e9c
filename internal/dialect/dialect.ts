/** A wire protocol. */
export type Dialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini';

export const dialects = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const satisfies readonly Dialect[];

/**
 * What an exchange asks of an upstream. An account serves an operation when its dialects cover the operation's dialect
 * and its vendor has the endpoint.
 */
export type Operation =
  | 'chat'
  | 'completions'
  | 'embeddings'
  | 'images'
  | 'audio'
  | 'realtime'
  | 'responses'
  | 'responses-count'
  | 'messages'
  | 'count-tokens'
  | 'gemini-generate'
  | 'gemini-count'
  | 'gemini-embed';
