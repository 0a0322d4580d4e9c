import { isMetered, type Demand, type Lease, type Limits } from '../clients/limits/limits.ts';
import type { Principal } from '../clients/principal.ts';
import type { Operation } from '../dialect/dialect.ts';
import { scanObject } from '../dialect/json-scan.ts';
import type { ProxyLimits } from './limits.ts';
import type { ProxyOperation } from './operation.ts';
import { spendsTokens } from './settled.ts';

/** What the estimate of a request is made from. */
export interface Estimated {
  readonly operation: Pick<ProxyOperation, 'dialect' | 'operation'>;
  readonly model: string;
  readonly requestBytes: number;
  readonly bytes: Buffer | undefined;
}

/**
 * A place within the limits of the caller, to be taken before anything is sent; undefined for callers without any. Codes:
 * `rate_limit_exceeded`, `budget_exhausted`, `auth_unavailable`.
 */
export function takeLease(limits: Limits, principal: Principal, request: Estimated, { prices }: Pick<ProxyLimits, 'prices'>): Lease | undefined {
  if (!isMetered(principal)) return undefined;
  const admitted = limits.admit(principal, { ...estimate(request), price: prices.find(request.model) });
  if (!admitted.ok) throw admitted.error;
  return admitted.value;
}

/** Of requests that state no bound of their answer. */
const usualOutput = 4_096;
const bytesPerToken = 4;
/** Far beyond any model's answer; sums of it stay finite. */
const mostOutput = 10_000_000;
const mostChoices = 128;
/** Where operations that generate state the bound of an answer, and how many answers they want. */
const boundsIn: Partial<Readonly<Record<Operation, ReadonlySet<string>>>> = {
  chat: new Set(['max_tokens', 'max_completion_tokens', 'n']),
  completions: new Set(['max_tokens', 'n']),
  responses: new Set(['max_output_tokens']),
  messages: new Set(['max_tokens']),
  'gemini-generate': new Set(['generationConfig']),
};

/** The request by its bytes, the answer by the bound that the request states. */
function estimate({ operation: { operation }, requestBytes, bytes, model }: Estimated): Pick<Demand, 'input' | 'output'> {
  if (model === '' || !spendsTokens(operation)) return { input: 0, output: 0 };
  return { input: Math.ceil(requestBytes / bytesPerToken), output: outputBound(operation, bytes) };
}

function outputBound(operation: Operation, bytes: Buffer | undefined): number {
  const names = boundsIn[operation];
  if (names === undefined) return 0;
  const scan = bytes === undefined ? undefined : scanObject(bytes, names);
  if (bytes === undefined || scan === undefined || !scan.ok) return usualOutput;
  let bound: number | undefined;
  let choices = 1;
  for (const [name, { start, end }] of scan.members) {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    const stated: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'maxOutputTokens') : value;
    if (typeof stated !== 'number' || !Number.isFinite(stated) || stated < 0) continue;
    if (name === 'n') choices = Math.min(mostChoices, Math.max(1, Math.ceil(stated)));
    else bound = Math.min(mostOutput, Math.max(bound ?? 0, Math.ceil(stated)));
  }
  return (bound ?? usualOutput) * choices;
}
