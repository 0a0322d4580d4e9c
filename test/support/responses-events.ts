import type { ServerResponse } from 'node:http';
import type { SeenRequest } from './scripted-upstream.ts';

/** One event of a Responses stream, as upstreams frame it. */
export function eventText(event: { readonly type: string; readonly [member: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

export interface SaidAnswer {
  readonly id: string;
  readonly text: string;
  readonly model?: string;
  /** In place of the message. */
  readonly output?: readonly unknown[];
}

const usage = { input_tokens: 7, input_tokens_details: { cached_tokens: 2 }, output_tokens: 3, output_tokens_details: { reasoning_tokens: 1 }, total_tokens: 10 };

/** The events of a whole answer, one text delta a word. */
export function responseEvents({ id, text, model = 'm', output }: SaidAnswer): readonly string[] {
  const item = { id: `msg_${id}`, type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] };
  const items = output ?? [item];
  const base = { id, object: 'response', created_at: 1_764_000_000, model, error: null, incomplete_details: null, tools: [], parallel_tool_calls: true };
  const words = text.split(/(?<= )/);
  const events: { readonly type: string; readonly [member: string]: unknown }[] = [
    { type: 'response.created', response: { ...base, status: 'in_progress', output: [] } },
    { type: 'response.in_progress', response: { ...base, status: 'in_progress', output: [] } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
    { type: 'response.content_part.added', item_id: item.id, output_index: 0, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } },
    ...words.map((delta) => ({ type: 'response.output_text.delta', item_id: item.id, output_index: 0, content_index: 0, delta })),
    { type: 'response.output_text.done', item_id: item.id, output_index: 0, content_index: 0, text },
    { type: 'response.content_part.done', item_id: item.id, output_index: 0, content_index: 0, part: { type: 'output_text', text, annotations: [] } },
    ...items.map((each, index) => ({ type: 'response.output_item.done', output_index: index, item: each })),
    { type: 'response.completed', response: { ...base, status: 'completed', output: items, usage } },
  ];
  return events.map((event, index) => eventText({ ...event, sequence_number: index }));
}

/** Answers as `POST /v1/responses` with `stream: true` does. */
export function answerResponse(res: ServerResponse, answer: SaidAnswer): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.end(responseEvents(answer).join(''));
}

/** The request as it reached the upstream. */
export function requestOf(seen: SeenRequest | undefined): Record<string, unknown> {
  const parsed: unknown = JSON.parse(seen?.body.toString('utf8') ?? '{}');
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}
