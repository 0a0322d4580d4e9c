import type { Dialect } from '../../internal/dialect/dialect.ts';
import { listOf, memberOf } from '../../internal/dialect/ir/json.ts';
import { cityOf } from './driver.ts';

/** A call as the upstream is reminded of it, and the result that belongs to it. */
export interface SentResult {
  readonly id: unknown;
  readonly city: string;
  /** As JSON, since each dialect wraps it in its own way; undefined: the call has none. */
  readonly result: string | undefined;
}

interface Call {
  readonly id: unknown;
  readonly city: string;
}

interface Result {
  readonly id: unknown;
  readonly value: unknown;
}

/** Pairs calls and results of a request's history by their ids, as its vendor would. */
export function readSentResults(dialect: Dialect, body: string): readonly SentResult[] {
  const { calls, results } = readers[dialect](JSON.parse(body));
  return calls.map(({ id, city }) => {
    const found = results.filter((result) => result.id === id);
    return { id, city, result: found.length === 1 ? JSON.stringify(found[0]?.value) : undefined };
  });
}

type Reader = (body: unknown) => { readonly calls: readonly Call[]; readonly results: readonly Result[] };

const readers: Readonly<Record<Dialect, Reader>> = {
  'openai-chat': (body) => {
    const messages = listOf(memberOf(body, 'messages'));
    return {
      calls: messages.flatMap((message) => listOf(memberOf(message, 'tool_calls'))).map((call) => ({ id: memberOf(call, 'id'), city: cityOf(memberOf(memberOf(call, 'function'), 'arguments')) })),
      results: messages.filter((message) => memberOf(message, 'role') === 'tool').map((message) => ({ id: memberOf(message, 'tool_call_id'), value: memberOf(message, 'content') })),
    };
  },
  'openai-responses': (body) => {
    const ofType = (type: string): readonly unknown[] => listOf(memberOf(body, 'input')).filter((item) => memberOf(item, 'type') === type);
    return {
      calls: ofType('function_call').map((item) => ({ id: memberOf(item, 'call_id'), city: cityOf(memberOf(item, 'arguments')) })),
      results: ofType('function_call_output').map((item) => ({ id: memberOf(item, 'call_id'), value: memberOf(item, 'output') })),
    };
  },
  'anthropic-messages': (body) => {
    const blocks = listOf(memberOf(body, 'messages')).flatMap((message) => listOf(memberOf(message, 'content')));
    const ofType = (type: string): readonly unknown[] => blocks.filter((block) => memberOf(block, 'type') === type);
    return {
      calls: ofType('tool_use').map((block) => ({ id: memberOf(block, 'id'), city: cityOf(memberOf(block, 'input')) })),
      results: ofType('tool_result').map((block) => ({ id: memberOf(block, 'tool_use_id'), value: memberOf(block, 'content') })),
    };
  },
  gemini: (body) => {
    const having = (name: string): readonly unknown[] =>
      listOf(memberOf(body, 'contents'))
        .flatMap((content) => listOf(memberOf(content, 'parts')))
        .map((part) => memberOf(part, name))
        .filter((found) => found !== undefined);
    return {
      calls: having('functionCall').map((call) => ({ id: memberOf(call, 'id'), city: cityOf(memberOf(call, 'args')) })),
      results: having('functionResponse').map((result) => ({ id: memberOf(result, 'id'), value: memberOf(result, 'response') })),
    };
  },
};
