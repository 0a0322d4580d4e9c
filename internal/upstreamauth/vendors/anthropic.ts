import type { VendorFacts } from '../after-issue.ts';
import { present, recordOf, textOf, type JsonRecord } from '../json-record.ts';

/** Anthropic: account and organization stand in the token answer itself. */
export function readAnthropicAccount(answer: JsonRecord): VendorFacts {
  const account = recordOf(answer, 'account');
  const organization = recordOf(answer, 'organization');
  return {
    facts: present({
      email: textOf(account, 'email_address') ?? textOf(account, 'email'),
      account_uuid: textOf(account, 'uuid'),
      organization_uuid: textOf(organization, 'uuid'),
      organization_name: textOf(organization, 'name'),
    }),
  };
}
