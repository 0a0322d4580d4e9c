import type { Dialect } from '../../internal/dialect/dialect.ts';
import { startDaemon, type RunningDaemon } from './daemon.ts';
import { answerJson, chatCompletion, chatEvents, startScriptedUpstream, type Script, type ScriptedUpstream } from './scripted-upstream.ts';

const sse = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
const gemini = (text: string, more: object = {}): object => ({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }] });
const response = (status: string): object => ({ id: 'resp_1', object: 'response', created_at: 1, status, model: 'm', output: status === 'completed' ? [{ type: 'message', id: 'msg_1', role: 'assistant', status, content: [{ type: 'output_text', text: 'Hello.', annotations: [] }] }] : [], usage: { input_tokens: 5, output_tokens: 2, total_tokens: 7 } });

/** How each dialect is called and answered. */
export interface DialectCase {
  readonly dialect: Dialect;
  readonly path: string;
  readonly body: object;
  readonly streamPath: string;
  readonly streamBody: object;
  /** The upstream's plain answer. */
  readonly answer: object;
  /** The upstream's stream, whole, one event each. */
  readonly events: readonly string[];
}

export const dialectCases: readonly DialectCase[] = [
  {
    dialect: 'openai-chat',
    path: '/v1/chat/completions',
    body: { model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] },
    streamPath: '/v1/chat/completions',
    streamBody: { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'hi' }] },
    answer: chatCompletion,
    events: chatEvents,
  },
  {
    dialect: 'openai-responses',
    path: '/v1/responses',
    body: { model: 'gpt-4o', input: 'hi' },
    streamPath: '/v1/responses',
    streamBody: { model: 'gpt-4o', input: 'hi', stream: true },
    answer: response('completed'),
    events: [
      sse('response.created', { sequence_number: 0, response: response('in_progress') }),
      sse('response.output_item.added', { sequence_number: 1, output_index: 0, item: { type: 'message', id: 'msg_1', role: 'assistant', status: 'in_progress', content: [] } }),
      sse('response.content_part.added', { sequence_number: 2, output_index: 0, content_index: 0, item_id: 'msg_1', part: { type: 'output_text', text: '', annotations: [] } }),
      sse('response.output_text.delta', { sequence_number: 3, output_index: 0, content_index: 0, item_id: 'msg_1', delta: 'Hello.' }),
      sse('response.completed', { sequence_number: 4, response: response('completed') }),
    ],
  },
  {
    dialect: 'anthropic-messages',
    path: '/v1/messages',
    body: { model: 'claude-sonnet-4-5', max_tokens: 16, messages: [{ role: 'user', content: 'hi' }] },
    streamPath: '/v1/messages',
    streamBody: { model: 'claude-sonnet-4-5', max_tokens: 16, stream: true, messages: [{ role: 'user', content: 'hi' }] },
    answer: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'Hello.' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 5, output_tokens: 2 } },
    events: [
      sse('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 5, output_tokens: 1 } } }),
      sse('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      sse('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello.' } }),
      sse('content_block_stop', { index: 0 }),
      sse('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } }),
      sse('message_stop', {}),
    ],
  },
  {
    dialect: 'gemini',
    path: '/v1beta/models/gemini-2.5-flash:generateContent',
    body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    streamPath: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    streamBody: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    answer: gemini('Hello.', { finishReason: 'STOP' }),
    events: [`data: ${JSON.stringify(gemini('Hel'))}\r\n\r\n`, `data: ${JSON.stringify({ ...gemini('lo.', { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 } })}\r\n\r\n`],
  },
];

/** Gemini's other streamed form, without `alt=sse`. */
export const geminiArrayPath = '/v1beta/models/gemini-2.5-flash:streamGenerateContent';
export const geminiArray = `[${JSON.stringify(gemini('Hel "finishReason"', {}))}\n,\r\n${JSON.stringify({ ...gemini('lo.', { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 } })}\n]\n`;

export const clientKey = 'sk-client-0123456789abcdef';
export const upstreamKey = 'sk-upstream-0123456789abcdef';
export const managementSecret = 'management-secret-0123456789';
export const asClient = { authorization: `Bearer ${clientKey}`, 'content-type': 'application/json' } as const;
export const asManager = { authorization: `Bearer ${managementSecret}` } as const;

/** Answers every dialect's plain requests well. */
export const answerPlainly: Script = (seen, res) => {
  const called = dialectCases.find(({ path }) => seen.url.startsWith(path.replace(/^\/v1beta|:.*$/g, ''))) ?? dialectCases.find(({ path }) => seen.url.startsWith(path));
  answerJson(res, 200, called?.answer ?? (seen.url.includes('/models/') ? (dialectCases[3]?.answer ?? {}) : chatCompletion));
};

/** The built daemon before one scripted upstream that serves all four dialects. */
export interface FourDialects {
  readonly upstream: ScriptedUpstream;
  readonly daemon: RunningDaemon;
  readonly stop: () => Promise<void>;
}

export const accountsAt = (url: string, key = upstreamKey): string => `codex-api-key:
  - { api-key: "${key}", base-url: "${url}/v1", dialects: [openai-chat, openai-responses] }
claude-api-key:
  - { api-key: "${key}", base-url: "${url}" }
gemini-api-key:
  - { api-key: "${key}", base-url: "${url}" }
`;

export async function startFourDialects(more = ''): Promise<FourDialects> {
  const upstream = await startScriptedUpstream(answerPlainly);
  const daemon = await startDaemon({
    config: `api-keys: ["${clientKey}"]
remote-management: { secret-key: "${managementSecret}" }
disable-cooling: true
${accountsAt(upstream.url)}${more}`,
  });
  return {
    upstream,
    daemon,
    stop: async () => {
      await daemon.stop();
      await upstream.close();
    },
  };
}
