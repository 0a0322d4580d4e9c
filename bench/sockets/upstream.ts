import { createServer } from 'node:http';
import { announceListening } from '../process/announce.ts';

/*
 * The simulated upstream of the socket bench: every POST is answered by one Responses stream of a dozen events, made once.
 */

const item = { id: 'msg_bench', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'y'.repeat(96), annotations: [] }] };
const response = { id: 'resp_bench', object: 'response', created_at: 1_760_000_000, model: 'bench', status: 'in_progress', output: [], usage: null };
const usage = { input_tokens: 210, input_tokens_details: { cached_tokens: 0 }, output_tokens: 24, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 234 };
const events = [
  { type: 'response.created', response },
  { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
  ...Array.from({ length: 8 }, () => ({ type: 'response.output_text.delta', item_id: item.id, output_index: 0, content_index: 0, delta: 'y'.repeat(12) })),
  { type: 'response.output_item.done', output_index: 0, item },
  { type: 'response.completed', response: { ...response, status: 'completed', output: [item], usage } },
];
const answer = Buffer.from(events.map((event, index) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`).join(''));
const head = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' };

announceListening(
  createServer({ noDelay: true, keepAlive: true, keepAliveTimeout: 600_000 }, (req, res) => {
    req.resume();
    req.on('end', () => {
      res.writeHead(200, head);
      res.end(answer);
    });
  }),
);
