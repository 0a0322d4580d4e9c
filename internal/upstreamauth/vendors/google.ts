import type { IssueContext, VendorFacts } from '../after-issue.ts';
import { present, textOf } from '../json-record.ts';
import { askVendor } from './ask-vendor.ts';

/**
 * Whose account it is, by the user-info endpoint (OpenID Connect Core §5.3; Google's answers alike with any scope that
 * holds the e-mail). Without that scope the account goes without a name.
 */
export async function readGoogleUser(context: IssueContext): Promise<VendorFacts> {
  const url = context.userinfoUrl;
  if (url === '') return { facts: {} };
  const asked = await askVendor(context, { url });
  if (!asked.ok) return { facts: {}, problem: `the user-info endpoint did not say whose account it is (${asked.error})` };
  return { facts: present({ email: textOf(asked.value, 'email'), sub: textOf(asked.value, 'sub') ?? textOf(asked.value, 'id') }) };
}
