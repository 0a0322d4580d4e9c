import { err, ok, type Result } from '../../fault/result.ts';
import type { IssueContext } from '../after-issue.ts';
import { parseRecord, recordOf, textOf, type JsonRecord } from '../json-record.ts';
import { vendorText } from '../vendor-text.ts';

export interface VendorQuestion {
  readonly url: string;
  /** A POST with this JSON; absent: a GET. */
  readonly json?: JsonRecord;
  /** False where the token goes elsewhere than into `Authorization`. Default true. */
  readonly isAuthorized?: boolean;
  readonly timeoutMs?: number;
}

/** Asks a vendor's API with the fresh access token; twice when no answer came. The error is a phrase, escaped and free of secrets. */
export async function askVendor(context: IssueContext, question: VendorQuestion): Promise<Result<JsonRecord, string>> {
  const { profile, tokens, http, proxyUrl, signal } = context;
  const accessToken = tokens.accessToken?.reveal() ?? '';
  const authorization: Record<string, string> = question.isAuthorized === false ? {} : { authorization: `Bearer ${accessToken}` };
  const type: Record<string, string> = question.json === undefined ? {} : { 'content-type': 'application/json' };
  let problem = '';
  for (let attempt = 0; attempt < 2; attempt++) {
    const answer = await http.send({
      url: question.url,
      allowsPlainHttp: profile.allowsPlainHttp,
      method: question.json === undefined ? 'GET' : 'POST',
      headers: { ...authorization, ...type },
      body: question.json === undefined ? undefined : JSON.stringify(question.json),
      proxyUrl,
      signal,
      ...(question.timeoutMs === undefined ? {} : { timeoutMs: question.timeoutMs }),
    });
    if (answer.kind === 'failed') {
      problem = answer.code;
      continue;
    }
    const record = parseRecord(answer.body);
    if (answer.status >= 200 && answer.status < 300 && record !== undefined) return ok(record);
    const said = textOf(recordOf(record, 'error'), 'message') ?? textOf(record, 'message');
    problem = `HTTP ${answer.status}${said === undefined ? '' : `: ${vendorText(said, [tokens.accessToken, tokens.refreshToken])}`}`;
    if (answer.status < 500) break;
  }
  return err(problem);
}
