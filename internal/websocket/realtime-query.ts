import { AppError } from '../fault/app-error.ts';
import type { RouteQuery } from '../routing/ports.ts';
import type { SocketOpening } from './opening.ts';

/** What a realtime session is asked for with: accounts are picked by it. */
export interface RealtimeQuery extends RouteQuery {
  /** What the client wants of the session beside the model; goes upstream. */
  readonly intent: string | undefined;
}

/** Codes: `missing_model`, `invalid_request`, `unsupported_parameter`. */
export function readRealtimeQuery({ target, principal }: SocketOpening): RealtimeQuery {
  const parameters = new URLSearchParams(target.query);
  const [model, ...others] = parameters.getAll('model');
  // A call is made by a request that Keyward does not offer, so nobody here owns one (security rule 15).
  if (parameters.has('call_id')) throw new AppError('unsupported_parameter', { message: 'Calls are not made through Keyward, so none can be joined: leave out `call_id`.', fields: { param: 'call_id' } });
  if (model === undefined || model === '') throw new AppError('missing_model', { message: 'A realtime session names its model in the query: `?model=…`.', fields: { param: 'model' } });
  if (others.length > 0) throw new AppError('invalid_request', { message: '`model` stands twice in the query.', fields: { param: 'model' } });
  return { model, dialect: 'openai-chat', operation: 'realtime', holders: principal.holders, intent: parameters.get('intent') ?? undefined };
}
