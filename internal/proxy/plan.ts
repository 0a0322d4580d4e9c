import type { Account } from '../accounts/account.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { upstreamQuery } from '../providers/header-lists.ts';
import { dialectFor } from '../routing/serving.ts';
import { asksForEvents } from './code-assist.ts';
import type { PreparedRequest } from './exchange.ts';
import type { Translation } from './load-translation.ts';
import { operations } from './operation.ts';
import { partyOf } from './party.ts';
import type { Translated } from './translation/translate.ts';
import type { Try, TryEnd } from './try-candidate.ts';

export type Plan = { readonly kind: 'send'; readonly translated: Translated | undefined } | { readonly kind: 'estimate' } | { readonly kind: 'untranslatable'; readonly error: AppError };

const asItCame: Plan = { kind: 'send', translated: undefined };

/** How an account is asked: as the client asked, in the account's own dialect, or for a count that it does not make not at all. */
export function planFor(the: Try): Plan | Promise<Plan> {
  const { candidate: { account }, request: { operation, decode, spoken, isStream } } = the;
  const dialect = dialectFor(account, operation) ?? operation.dialect;
  if (isCounting(operation.operation) && !countsUpstream(account, dialect)) return { kind: 'estimate' };
  if (operation === operations.responses && !isStream && dialect === operation.dialect && onlyStreams(account)) return streamFor(the);
  return (dialect === operation.dialect && spoken === dialect) || decode === undefined ? asItCame : translateFor(the, dialect, decode);
}

/** In one piece, from an upstream that answers in streams alone. */
function streamFor(the: Try): Plan | Promise<Plan> {
  const translation = the.translation();
  return translation instanceof Promise ? translation.then((loaded) => streamBy(loaded, the)) : streamBy(translation, the);
}

function streamBy({ askForStream }: Translation, { inbound, request: { operation, open }, candidate: { account, upstreamModel } }: Try): Plan {
  const { body } = open(upstreamModel);
  if (!Buffer.isBuffer(body)) return asItCame;
  const source = partyOf(account, operation.dialect, upstreamModel);
  return { kind: 'send', translated: askForStream({ operation, query: upstreamQuery(operation.dialect, inbound.target.query), body, source, requestId: inbound.id }) };
}

function translateFor(the: Try, target: Dialect, decode: NonNullable<PreparedRequest['decode']>): Plan | Promise<Plan> {
  const translation = the.translation();
  return translation instanceof Promise ? translation.then((loaded) => translateBy(loaded, the, target, decode)) : translateBy(translation, the, target, decode);
}

function translateBy({ codecs, translateCount, translateRequest }: Translation, the: Try, target: Dialect, decode: NonNullable<PreparedRequest['decode']>): Plan {
  const { deps: { clock }, inbound, request, candidate: { account, upstreamModel }, progress: { keepAlive } } = the;
  const client = request.operation.dialect;
  const common = { client, account, upstreamModel, requestId: inbound.id };
  try {
    if (isCounting(request.operation.operation)) return { kind: 'send', translated: translateCount({ ...common, bytes: request.bytes ?? Buffer.alloc(0) }, target) };
    const readsEvents = client !== 'gemini' || asksForEvents(inbound.target.query);
    return { kind: 'send', translated: translateRequest({ ...common, target, spoken: request.spoken, request: decode(codecs[request.spoken]), model: request.model, readsEvents, clock, keepAlive }) };
  } catch (thrown) {
    // Whatever it is, it says nothing of the account. Written out, text that was parsed may nest deeper than the stack.
    const isTooDeep = thrown instanceof RangeError;
    return { kind: 'untranslatable', error: isTooDeep ? new AppError('invalid_request', { message: 'A value in the request, or in text that is JSON, is nested too deeply.', cause: thrown }) : toAppError(thrown) };
  }
}

/** Keyward's own count. */
export async function estimate({ inbound, request, translation }: Try): Promise<TryEnd> {
  const { answerEstimate } = await translation();
  try {
    return { kind: 'answered', isEstimate: true, status: 200, summary: await answerEstimate(inbound.res, request.operation.dialect, request.bytes ?? Buffer.alloc(0), inbound.id) };
  } catch (thrown) {
    return { kind: 'untranslatable', error: toAppError(thrown) };
  }
}

const counting: ReadonlySet<Operation> = new Set<Operation>(['count-tokens', 'gemini-count', 'responses-count']);

export function isCounting(operation: Operation): boolean {
  return counting.has(operation);
}

/** Whether an upstream of that dialect has a call that counts. Chat Completions has none, nor has ChatGPT's backend. */
function countsUpstream(account: Account, dialect: Dialect): boolean {
  return dialect !== 'openai-chat' && !onlyStreams(account);
}

/** ChatGPT's backend answers in streams alone. */
export function onlyStreams(account: Account): boolean {
  return account.provider === 'codex';
}

/** Whether the account's upstream keeps no responses that could be referred to. */
export function keepsNothing(account: Account): boolean {
  return !account.dialects.includes('openai-responses') || onlyStreams(account);
}

/** Answers that say that the endpoint is not there: compatible servers often have generation alone. */
export function hasNoCounting(status: number): boolean {
  return status === 404 || status === 405 || status === 501;
}
