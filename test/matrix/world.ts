import { LLMock } from '@copilotkit/aimock';
import type { Dialect } from '../../internal/dialect/dialect.ts';
import { startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { startForwardingRecorder } from '../support/forwarding-recorder.ts';
import type { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { startStandInUpstream } from './stand-in-upstream.ts';

export const clientKey = 'sk-client-0123456789abcdef';

/** The model that each kind of upstream serves, by the name that clients call it, and what its requests look like. */
export const upstreams = [
  { dialect: 'openai-chat', model: 'via-chat', path: /\/chat\/completions$/, members: ['messages'] },
  { dialect: 'openai-responses', model: 'via-responses', path: /\/v1\/responses$/, members: ['input'] },
  { dialect: 'anthropic-messages', model: 'via-messages', path: /\/v1\/messages$/, members: ['messages', 'max_tokens'] },
  { dialect: 'gemini', model: 'via-gemini', path: /:(?:streamG|g)enerateContent(?:\?|$)/, members: ['contents'] },
] as const satisfies readonly { readonly dialect: Dialect; readonly model: string; readonly path: RegExp; readonly members: readonly string[] }[];

export const said = {
  plain: 'Hello from the simulated vendor.',
  tools: 'It is sunny in Paris and in Rome.',
  look: 'One pixel, and it is red.',
  thought: 'Six times seven, I think.',
  answer: 'Forty-two.',
} as const;

export const tokens = { input: 11, output: 7 } as const;

/** Each vendor's names for the same counts. */
const usage = { prompt_tokens: 11, completion_tokens: 7, input_tokens: 11, output_tokens: 7, promptTokenCount: 11, candidatesTokenCount: 7, total_tokens: 18, totalTokenCount: 18 } as const;

/** The built daemon between real clients and a third party's simulator that speaks all four dialects. */
export interface World {
  readonly daemon: RunningDaemon;
  /** Every request as the upstream got it. */
  readonly seen: ScriptedUpstream['seen'];
  /** Of `seen`, those whose answer the upstream could not finish. */
  readonly left: ScriptedUpstream['left'];
  readonly stop: () => Promise<void>;
}

export async function startWorld(): Promise<World> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 6 });
  const toolCalls = [{ id: 'call_paris', name: 'get_weather', arguments: '{"city":"Paris"}' }, { id: 'call_rome', name: 'get_weather', arguments: '{"city":"Rome"}' }];
  // Google ends calls with STOP; of itself the simulator would say a word that Google does not have.
  mock.on({ userMessage: /weather/, hasToolResult: false, model: /gemini/ }, { usage, toolCalls, finishReason: 'stop' });
  mock.on({ userMessage: /weather/, hasToolResult: false }, { usage, toolCalls });
  mock.on({ userMessage: /weather/, hasToolResult: true }, { content: said.tools, usage });
  mock.onMessage(/look/, { content: said.look, usage });
  mock.onMessage(/structure/, { content: '{"city":"Paris"}', usage });
  mock.onMessage(/reason/, { content: said.answer, reasoning: said.thought, usage });
  // Paced: what is written and cut in one go never arrives, and an answer that has not begun is asked for again.
  mock.onMessage(/cut/, { content: 'This answer is cut long before its end, as one sees from here.' }, { truncateAfterChunks: 8, latency: 20 });
  mock.onMessage(/slow/, { content: 'A very slow answer. '.repeat(60) }, { latency: 60 });
  mock.onMessage(/.*/, { content: said.plain, usage });
  const standIn = await startStandInUpstream();
  const recorder = await startForwardingRecorder({ to: await mock.start(), elsewhere: ({ body }) => (/(?:refuse|break) cell-/.test(body.toString()) ? standIn.url : undefined) });
  const account = `api-key: "sk-upstream", base-url: "${recorder.url}`;
  const daemon = await startDaemon({
    config: `api-keys: ["${clientKey}"]
disable-cooling: true
openai-compatibility:
  - { name: sim, base-url: "${recorder.url}/v1", models: [{ name: gpt-4o, alias: via-chat }], dialects: [openai-chat] }
codex-api-key:
  - { ${account}/v1", models: [{ name: gpt-5, alias: via-responses }], dialects: [openai-responses] }
claude-api-key:
  - { ${account}", models: [{ name: claude-sonnet-4-5, alias: via-messages }] }
gemini-api-key:
  - { ${account}", models: [{ name: gemini-2.5-flash, alias: via-gemini }] }
`,
  });
  return {
    daemon,
    seen: recorder.seen,
    left: recorder.left,
    stop: async () => {
      await daemon.stop();
      await recorder.close();
      await standIn.close();
      await mock.stop();
    },
  };
}
