import type { IssueContext, VendorFacts } from '../after-issue.ts';
import { present, recordOf, textOf } from '../json-record.ts';
import { claimsOf } from '../jwt-claims.ts';

/** OpenAI's namespaced claims, in id and access tokens alike. */
const openaiAuth = 'https://api.openai.com/auth';
const openaiProfile = 'https://api.openai.com/profile';

/**
 * Who the account is by the claims of its tokens: e-mail and subject (OpenID Connect Core §2, §5.1), for ChatGPT the
 * workspace, user and plan. Vendors without id tokens often have a JWT as access token, whose subject tells accounts apart.
 */
export function readIdentityClaims(context: IssueContext, from: 'id-token' | 'access-token'): VendorFacts {
  const { idToken, accessToken } = context.tokens;
  const claims = claimsOf((from === 'id-token' ? idToken : accessToken)?.reveal());
  const auth = recordOf(claims, openaiAuth);
  return {
    facts: present({
      email: textOf(claims, 'email') ?? textOf(recordOf(claims, openaiProfile), 'email'),
      sub: auth === undefined ? (textOf(claims, 'sub') ?? textOf(claims, 'user_id')) : undefined,
      account_id: textOf(auth, 'chatgpt_account_id'),
      user_id: textOf(auth, 'chatgpt_user_id'),
      plan_type: textOf(auth, 'chatgpt_plan_type'),
    }),
  };
}
