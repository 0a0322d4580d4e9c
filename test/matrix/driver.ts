/** What a client made of an answer, in words common to all of them. */
export interface Outcome {
  readonly text: string;
  readonly reasoning: string;
  /** Tokens in and out, as the client states them; undefined where it states none. */
  readonly usage: { readonly input: number; readonly output: number } | undefined;
  /** As the client says it. */
  readonly finish: string;
}

export interface ToolRun {
  /** The first turn's calls. */
  readonly calls: readonly { readonly id: string; readonly name: string; readonly city: string }[];
  /** Why the first turn ended, as the client says it. */
  readonly finish: string;
  /** What the model said to the results. */
  readonly text: string;
}

/** One client library in one of its ways of asking. */
export interface Driver {
  readonly name: string;
  readonly plain: (model: string, prompt: string) => Promise<Outcome>;
  readonly stream: (model: string, prompt: string) => Promise<Outcome & { readonly pieces: number }>;
  /** Two calls side by side, both answered, in one further turn. */
  readonly tools: (model: string, prompt: string) => Promise<ToolRun>;
  /** The same with both turns streamed, the calls being put together by the client. */
  readonly streamedTools: (model: string, prompt: string) => Promise<ToolRun>;
  readonly image: (model: string, prompt: string, png: string) => Promise<Outcome>;
  /** An object with a `city`. */
  readonly structured: (model: string, prompt: string) => Promise<unknown>;
  /** Leaves in the middle of a stream; resolves once the client has noticed. */
  readonly abort: (model: string, prompt: string) => Promise<void>;
}

export interface Place {
  /** `http://127.0.0.1:PORT` of Keyward. */
  readonly url: string;
  readonly key: string;
}

export const weather = {
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
} as const;

export const citySchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } as const;

/** The result of a call: the city's own, so that a mix-up shows. */
export function resultFor(city: string): string {
  return `sunny in ${city}`;
}

export function cityOf(input: unknown): string {
  const value: unknown = typeof input === 'string' ? JSON.parse(input) : input;
  const city: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'city') : undefined;
  return typeof city === 'string' ? city : '';
}

/** Reads until the first piece, then leaves. */
export async function leaveAfterFirst(stream: AsyncIterable<unknown>, abort: () => void): Promise<void> {
  try {
    for await (const _ of stream) abort();
  } catch {
    // Being told of its own leaving is how most clients say it.
  }
}
