import { anthropicMessages } from './anthropic-messages/codec.ts';
import type { DialectCodec } from './codec.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini/codec.ts';
import { openaiChat } from './openai-chat/codec.ts';
import { openaiResponses } from './openai-responses/codec.ts';

/** Every dialect's codec. Loaded with the first translated exchange. */
export const codecs: Readonly<Record<Dialect, DialectCodec>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
};
