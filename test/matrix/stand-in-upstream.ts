import type { ServerResponse } from 'node:http';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

/** What the vendor says when it breaks off; every client has to hear it. */
export const vendorTrouble = 'the simulated vendor is overloaded';

const said = 'I cannot say';
const usage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 } as const;
const sse = (data: object, name?: string): string => `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
const typed = (type: string, data: object): string => sse({ type, ...data }, type);

/** One vendor's words for an answer that its filter ended, and for a stream that it gave up. */
interface Vendor {
  readonly path: string;
  readonly refusal: object;
  readonly opening: readonly string[];
  readonly refusalEnd: readonly string[];
  readonly trouble: readonly string[];
}

const chatChunk = (delta: object, finish: string | null): string => sse({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });

const chat: Vendor = {
  path: '/chat/completions',
  refusal: { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'content_filter' }] },
  opening: [chatChunk({ role: 'assistant', content: said }, null)],
  refusalEnd: [chatChunk({}, 'content_filter'), 'data: [DONE]\n\n'],
  trouble: [sse({ error: { message: vendorTrouble, type: 'server_error', code: 'overloaded', param: null } })],
};

const message = (status: string): object => ({ id: 'msg_1', type: 'message', role: 'assistant', status, content: status === 'in_progress' ? [] : [{ type: 'output_text', text: said, annotations: [] }] });
const response = (status: string, more: object): object => ({ id: 'resp_1', object: 'response', created_at: 1, model: 'm', status, error: null, incomplete_details: null, output: status === 'incomplete' ? [message(status)] : [], ...more });
const refused = response('incomplete', { incomplete_details: { reason: 'content_filter' }, usage });
const place = { output_index: 0, content_index: 0, item_id: 'msg_1' } as const;

const responses: Vendor = {
  path: '/responses',
  refusal: refused,
  opening: [
    typed('response.created', { sequence_number: 0, response: response('in_progress', {}) }),
    typed('response.output_item.added', { sequence_number: 1, output_index: 0, item: message('in_progress') }),
    typed('response.content_part.added', { sequence_number: 2, ...place, part: { type: 'output_text', text: '', annotations: [] } }),
    typed('response.output_text.delta', { sequence_number: 3, ...place, delta: said }),
  ],
  refusalEnd: [typed('response.incomplete', { sequence_number: 4, response: refused })],
  trouble: [typed('error', { sequence_number: 4, code: 'server_error', message: vendorTrouble, param: null })],
};

const messages: Vendor = {
  path: '/messages',
  refusal: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: said }], stop_reason: 'refusal', stop_sequence: null, usage },
  opening: [
    typed('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 11, output_tokens: 1 } } }),
    typed('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    typed('content_block_delta', { index: 0, delta: { type: 'text_delta', text: said } }),
  ],
  refusalEnd: [typed('content_block_stop', { index: 0 }), typed('message_delta', { delta: { stop_reason: 'refusal', stop_sequence: null }, usage: { output_tokens: 7 } }), typed('message_stop', {})],
  trouble: [typed('error', { error: { type: 'overloaded_error', message: vendorTrouble } })],
};

const candidate = (more: object): object => ({ candidates: [{ content: { role: 'model', parts: [{ text: said }] }, index: 0, ...more }], usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 } });

const gemini: Vendor = {
  path: 'enerateContent',
  refusal: candidate({ finishReason: 'SAFETY' }),
  opening: [sse(candidate({}))],
  refusalEnd: [sse({ candidates: [{ finishReason: 'SAFETY', index: 0 }] })],
  trouble: [sse({ error: { code: 503, message: vendorTrouble, status: 'UNAVAILABLE' } })],
};

/** Answers prompts with `refuse` and `break`, which the third party's simulator cannot: it lacks two vendors' words, and errors amid a stream. */
export function startStandInUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(({ url, body }, res) => {
    const vendor = [chat, responses, messages, gemini].find(({ path }) => url.includes(path));
    if (vendor === undefined) return answerJson(res, 404, {});
    const text = body.toString();
    return answerAs(vendor, { isStreamed: url.includes(':stream') || /"stream":\s*true/.test(text), isBroken: text.includes('break cell-') }, res);
  });
}

function answerAs({ refusal, opening, refusalEnd, trouble }: Vendor, { isStreamed, isBroken }: { readonly isStreamed: boolean; readonly isBroken: boolean }, res: ServerResponse): void {
  if (!isStreamed) return answerJson(res, 200, refusal);
  return answerEvents(res, [...opening, ...(isBroken ? trouble : refusalEnd)]);
}
