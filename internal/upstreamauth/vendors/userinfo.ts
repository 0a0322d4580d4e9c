import type { IssueContext, VendorFacts } from '../after-issue.ts';
import { present, textOf } from '../json-record.ts';
import { askVendor } from './ask-vendor.ts';

/**
 * Whose account it is, by a user-info endpoint (OpenID Connect Core §5.3; Google's answers alike to any scope that holds
 * the e-mail, and plain OAuth servers to any token, with an `id` and a `login`). Without that the account goes without a name.
 */
export async function readUserinfo(context: IssueContext): Promise<VendorFacts> {
  const url = context.userinfoUrl;
  if (url === '') return { facts: {} };
  const asked = await askVendor(context, { url });
  if (!asked.ok) return { facts: {}, problem: `the user-info endpoint did not say whose account it is (${asked.error})` };
  const id = asked.value['id'];
  return {
    facts: present({
      email: textOf(asked.value, 'email') ?? textOf(asked.value, 'preferred_username') ?? textOf(asked.value, 'login'),
      sub: textOf(asked.value, 'sub') ?? (typeof id === 'number' ? String(id) : textOf(asked.value, 'id')),
    }),
  };
}
