import { Secret } from '../../secret/secret.ts';
import type { IssueContext, VendorFacts } from '../after-issue.ts';
import { present, recordOf, textOf } from '../json-record.ts';
import { askVendor } from './ask-vendor.ts';

/**
 * iFlow serves by an API key out of its user-info endpoint. Departure from OpenID Connect Core §5.3: the access token goes
 * in the query, the claims stand below `data`.
 */
export async function deriveIflowKey(context: IssueContext, timeoutMs?: number): Promise<VendorFacts> {
  const endpoint = URL.parse(context.profile.endpoints.userinfo);
  if (endpoint === null) return useless('the login has no user-info endpoint to take the API key from');
  endpoint.searchParams.set('accessToken', context.tokens.accessToken?.reveal() ?? '');
  const asked = await askVendor(context, { url: endpoint.href, isAuthorized: false, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  if (!asked.ok) return useless(`the user-info endpoint gave no API key (${asked.error})`);
  const data = recordOf(asked.value, 'data');
  const apiKey = textOf(data, 'apiKey');
  if (apiKey === undefined) return useless('the user-info endpoint gave no API key');
  return { facts: present({ email: textOf(data, 'email') ?? textOf(data, 'phone') }), apiKey: new Secret(apiKey) };
}

function useless(problem: string): VendorFacts {
  return { facts: {}, problem, isUseless: true };
}
