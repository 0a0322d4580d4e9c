import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

const usage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 } as const;

/** How each vendor says that its filter ended an answer; the third party's simulator does not know two of the words. */
export function startRefusingUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream(({ url }, res) => {
    const said = 'I cannot';
    if (url.includes('/chat/completions')) answerJson(res, 200, { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'content_filter' }] });
    else if (url.includes('/responses'))
      answerJson(res, 200, { id: 'resp_1', object: 'response', created_at: 1, model: 'm', status: 'incomplete', incomplete_details: { reason: 'content_filter' }, error: null, output: [{ id: 'msg_1', type: 'message', role: 'assistant', status: 'incomplete', content: [{ type: 'output_text', text: said, annotations: [] }] }], usage });
    else if (url.includes('/messages')) answerJson(res, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: said }], stop_reason: 'refusal', stop_sequence: null, usage });
    else answerJson(res, 200, { candidates: [{ content: { role: 'model', parts: [{ text: said }] }, finishReason: 'SAFETY', index: 0 }], usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 } });
  });
}
