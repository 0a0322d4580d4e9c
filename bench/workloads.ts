/*
 * What is sent and what comes back. The model's name tells the simulated upstream what to answer, because that is the
 * one thing every proxy hands on unchanged.
 */

export interface StreamShape {
  readonly frames: number;
  /** Time between frames; 0 writes them all at once. */
  readonly paceMs: number;
}

export const chatPath = '/v1/chat/completions';

/** Answers of 1 kB to requests of 1 kB. */
export const smallModel = 'bench-small';
/** Answers of 1 MB to requests of 1 MB. */
export const largeModel = 'bench-large';
/** Accepted, then never answered. */
export const holdModel = 'bench-hold';

export const streamShapes: Readonly<Record<string, StreamShape>> = {
  'bench-stream-paced': { frames: 200, paceMs: 20 },
  'bench-stream-burst': { frames: 200, paceMs: 0 },
  'bench-stream-short': { frames: 3, paceMs: 2 },
};

export type WorkloadName = 'small' | 'large' | 'hold' | 'paced' | 'burst' | 'short';

const models: Readonly<Record<WorkloadName, string>> = {
  small: smallModel,
  large: largeModel,
  hold: holdModel,
  paced: 'bench-stream-paced',
  burst: 'bench-stream-burst',
  short: 'bench-stream-short',
};

export const allModels: readonly string[] = Object.values(models);

export function shapeOf(workload: WorkloadName): StreamShape | undefined {
  return streamShapes[models[workload]];
}

/** A chat request; `tag` is how the upstream tells exchanges apart (it travels as `user`). */
export function requestBody(workload: WorkloadName, tag = 'bench'): Buffer {
  const isStream = shapeOf(workload) !== undefined;
  const bytes = workload === 'large' ? 1_000_000 : 800;
  return Buffer.from(
    JSON.stringify({
      model: models[workload],
      user: tag,
      ...(isStream ? { stream: true } : {}),
      messages: [
        { role: 'system', content: 'You are the benchmark.' },
        { role: 'user', content: 'x'.repeat(bytes) },
      ],
    }),
  );
}

/** A whole answer in OpenAI's form, about `bytes` long. */
export function wholeAnswer(bytes: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: 'chatcmpl-bench',
      object: 'chat.completion',
      created: 1_760_000_000,
      model: 'bench',
      choices: [{ index: 0, message: { role: 'assistant', content: 'y'.repeat(Math.max(0, bytes - 270)), refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 210, completion_tokens: 190, total_tokens: 400 },
    }),
  );
}

/** Frame `index` of a stream. The number in it is what lost and doubled frames are told by. */
export function streamFrame(index: number): Buffer {
  const content = `#${String(index).padStart(6, '0')} `;
  return Buffer.from(
    `data: ${JSON.stringify({
      id: 'chatcmpl-bench',
      object: 'chat.completion.chunk',
      created: 1_760_000_000,
      model: 'bench',
      choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }],
    })}\n\n`,
  );
}

export const doneFrame = Buffer.from('data: [DONE]\n\n');

/** The same answer in Anthropic's form, for what is translated. */
export function wholeMessage(bytes: number): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: 'msg_bench',
      type: 'message',
      role: 'assistant',
      model: 'bench',
      content: [{ type: 'text', text: 'y'.repeat(Math.max(0, bytes - 210)) }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 210, output_tokens: 190 },
    }),
  );
}

const messageEvent = (type: string, data: object): Buffer => Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);

/** Frame `index` of a stream in Anthropic's form; the first brings what has to come before. */
export function messageFrame(index: number): Buffer {
  const delta = messageEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text: `#${String(index).padStart(6, '0')} ` } });
  if (index > 0) return delta;
  const start = messageEvent('message_start', { message: { id: 'msg_bench', type: 'message', role: 'assistant', model: 'bench', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 210, output_tokens: 1 } } });
  return Buffer.concat([start, messageEvent('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }), delta]);
}

export const messageDone = Buffer.concat([
  messageEvent('content_block_stop', { index: 0 }),
  messageEvent('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 190 } }),
  messageEvent('message_stop', {}),
]);
