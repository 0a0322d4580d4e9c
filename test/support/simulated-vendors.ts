import { LLMock } from '@copilotkit/aimock';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from './scripted-upstream.ts';
import { startDaemon, type RunningDaemon } from './daemon.ts';

export const clientKey = 'sk-client-0123456789abcdef';
export const upstreamKey = 'sk-upstream-0123456789abcdef';

/** A third party's simulator of all four vendors, which takes the upstream key alone, behind the built daemon. */
export interface SimulatedVendors {
  readonly mock: LLMock;
  /** Keeps requests as they came, for models below `rec/`: the simulator's own journal is normalised. */
  readonly recorder: ScriptedUpstream;
  readonly daemon: RunningDaemon;
  readonly stop: () => Promise<void>;
}

export async function startSimulatedVendors(more = ''): Promise<SimulatedVendors> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 6, auth: { apiKeys: [upstreamKey] } });
  mock.on({ userMessage: /weather/, hasToolResult: false }, { toolCalls: [{ id: 'call_1', name: 'get_weather', arguments: { city: 'Paris' } }] });
  mock.onMessage(/quota/, { error: { message: 'The quota is used up.', type: 'insufficient_quota' }, status: 429, retryAfter: 7 });
  mock.onMessage(/refuse/, { error: { message: 'max_tokens is too large', type: 'invalid_request_error' }, status: 400 });
  mock.onMessage(/cut/, { content: 'This answer is cut long before its end, as one sees from here.' }, { truncateAfterChunks: 3 });
  mock.onMessage(/slow/, { content: 'A very slow answer. '.repeat(40) }, { latency: 100 });
  mock.onMessage(/.*/, { content: 'Hello from the simulated vendor.' });
  mock.onEmbedding(/.*/, { embedding: [0.1, 0.2, 0.3] });
  const url = await mock.start();
  const recorder = await startScriptedUpstream((seen, res) => {
    if (seen.url.startsWith('/v1/messages')) answerJson(res, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'seen' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });
    else answerJson(res, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'seen' }] }, finishReason: 'STOP' }] });
  });
  const daemon = await startDaemon({
    config: `api-keys: ["${clientKey}"]
remote-management:
  secret-key: "management-secret-for-tests"
openai-compatibility:
  - name: "sim"
    prefix: "compat"
    base-url: "${url}/v1"
    api-key-entries: [{ api-key: "${upstreamKey}" }]
codex-api-key:
  - { api-key: "${upstreamKey}", base-url: "${url}/v1" }
claude-api-key:
  - { api-key: "${upstreamKey}", base-url: "${url}" }
  - { api-key: "${upstreamKey}", base-url: "${recorder.url}", prefix: "rec" }
gemini-api-key:
  - { api-key: "${upstreamKey}", base-url: "${url}" }
  - { api-key: "${upstreamKey}", base-url: "${recorder.url}", prefix: "rec" }
force-model-prefix: true
${more}`,
  });
  return {
    mock,
    recorder,
    daemon,
    stop: async () => {
      await daemon.stop();
      await recorder.close();
      await mock.stop();
    },
  };
}

/** A one-pixel PNG. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
