import { scanObject } from '../dialect/json-scan.ts';
import type { AnswerEnvelope } from './unwrap-answer.ts';

/*
 * Code Assist (cloudcode-pa.googleapis.com/v1internal) speaks Gemini's dialect inside an envelope: model and project stand
 * beside the request, and each answer in a `response` member. The client's bytes inside stay as they are.
 */

/** What goes around one request. */
export interface EnvelopeLabel {
  /** Gemini's verb. */
  readonly verb: string;
  readonly model: string;
  /** `''`: the vendor takes the login's own. */
  readonly project: string;
}

const close = Buffer.from('}');

/** `{"model":…,"project":…,"request":<the client's bytes>}`; counting tokens has the model inside the request instead. */
export function encloseRequest(bytes: Buffer, { verb, model, project }: EnvelopeLabel): Buffer {
  if (verb === 'countTokens') return Buffer.concat([Buffer.from('{"request":'), withModelFirst(bytes, `models/${model}`), close]);
  const labels = project === '' ? { model } : { model, project };
  return Buffer.concat([Buffer.from(`${JSON.stringify(labels).slice(0, -1)},"request":`), bytes, close]);
}

/** The query of an enveloped call: streams come as events whatever the client asked for; their form here is ours to make. */
export function codeAssistQuery(verb: string): string {
  return verb === 'streamGenerateContent' ? '?alt=sse' : '';
}

/** What becomes of the answer: the client's query says which form of a stream it reads. */
export function envelopeOfAnswer(verb: string, query: string): AnswerEnvelope {
  if (verb !== 'streamGenerateContent') return 'whole';
  return asksForEvents(query) ? 'events' : 'array';
}

/** Whether a Gemini client reads its stream as server-sent events; the other form is one JSON array. */
export function asksForEvents(query: string): boolean {
  const asked = new URLSearchParams(query);
  return (asked.get('alt') ?? asked.get('$alt')) === 'sse';
}

/** The object with `model` as its first member; one that stands there already gives way. `bytes` are a checked object. */
function withModelFirst(bytes: Buffer, model: string): Buffer {
  const value = Buffer.from(JSON.stringify(model));
  const scan = scanObject(bytes, new Set(['model']));
  const stated = scan.ok ? scan.members.get('model') : undefined;
  if (stated !== undefined) return Buffer.concat([bytes.subarray(0, stated.start), value, bytes.subarray(stated.end)]);
  const open = bytes.indexOf('{') + 1;
  const rest = bytes.subarray(open);
  const isEmpty = /^[\t\n\r ]*\}/.test(rest.toString('latin1', 0, 256));
  return Buffer.concat([bytes.subarray(0, open), Buffer.from('"model":'), value, Buffer.from(isEmpty ? '' : ','), rest]);
}
