import { AppError } from '../../fault/app-error.ts';
import { isRecord, type JsonRecord } from '../ir/json.ts';

/** Members that no other vendor's model may answer as if they were not there. Error: `unsupported_parameter`. */
export function refuseVendorOnly(body: JsonRecord): void {
  if (body['background'] === true) throw refusal('background', 'the model is served where answers are made while the client waits');
  if (isRecord(body['prompt'])) throw refusal('prompt', 'the template is kept at OpenAI, and the model is served elsewhere');
}

const unreadable: Readonly<Record<string, string>> = {
  item_reference: 'it refers to what only its own vendor keeps; with `store: false` client libraries send the items themselves',
  compaction: 'only its own vendor can read it',
  compaction_summary: 'only its own vendor can read it',
  context_compaction: 'only its own vendor can read it',
  compaction_trigger: 'only its own vendor compacts a conversation',
};

/** Items that stand for a part of the conversation: left out, the model would answer another one. */
export function refuseUnreadable(type: unknown, path: string): void {
  const why = typeof type === 'string' && Object.hasOwn(unreadable, type) ? unreadable[type] : undefined;
  if (why !== undefined) throw refusal(path, why);
}

function refusal(param: string, why: string): AppError {
  return new AppError('unsupported_parameter', { message: `"${param}" cannot be honoured: ${why}. Leave it out, or use a model that is served in your client's own dialect.`, fields: { param } });
}
