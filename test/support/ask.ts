import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { send } from './raw-http.ts';

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; undefined when it is no JSON. */
  readonly json: unknown;
  /** `error.code`; empty where there is none. */
  readonly code: string;
}

export interface Question {
  readonly method?: string;
  /** Sent as `Authorization: Bearer`. */
  readonly key?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: string | Buffer;
}

/** One exchange with the daemon, its JSON read. */
export async function ask(url: string, path: string, question: Question = {}): Promise<Asked> {
  const { method, key, json } = question;
  const body = json === undefined ? question.body : JSON.stringify(json);
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    ...question.headers,
  };
  const answer = await send(url, { path, method: method ?? (body === undefined ? 'GET' : 'POST'), headers, ...(body === undefined ? {} : { body }) });
  const text = answer.body.toString('utf8');
  const parsed = parse(text);
  return { status: answer.status, headers: answer.headers, text, json: parsed, code: textAt(memberOf(parsed, 'error'), 'code') };
}

/** The member `name` of a JSON object; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textAt(value: unknown, name: string): string {
  const member = memberOf(value, name);
  return typeof member === 'string' ? member : '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
