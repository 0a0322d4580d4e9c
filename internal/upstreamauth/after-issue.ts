import type { TokenSet } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import type { Secret } from '../secret/secret.ts';
import { present, textOf, type JsonRecord } from './json-record.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { readAnthropicAccount } from './vendors/anthropic.ts';
import { findCodeAssistProject } from './vendors/code-assist.ts';
import { readIdentityClaims } from './vendors/identity-claims.ts';
import { deriveIflowKey } from './vendors/iflow.ts';
import { readUserinfo } from './vendors/userinfo.ts';

/** What is known right after tokens were issued. */
export interface IssueContext {
  readonly http: OAuthHttp;
  readonly clock: Clock;
  readonly profile: LoginProfile;
  readonly proxyUrl: string;
  /** The token endpoint's JSON. */
  readonly answer: JsonRecord;
  readonly tokens: TokenSet;
  /** What the account's file says already; nothing at a login. */
  readonly fact: (name: string) => string | undefined;
  /** The vendor's user-info endpoint; `''` for none. */
  readonly userinfoUrl: string;
  /** A project that the person named. */
  readonly projectId: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What follows from a login beyond its tokens. */
export interface VendorFacts {
  /** Members of the auth file, snake_case. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly apiKey?: Secret;
  /** What could not be found out, as the rest of "but …"; the tokens are good without it. */
  readonly problem?: string;
  /** The account is of no use without what `problem` names. */
  readonly isUseless?: boolean;
}

/** The vendor's own steps after a login. Never rejects. */
export async function afterLogin(context: IssueContext): Promise<VendorFacts> {
  const { profile, answer } = context;
  // Google logins for Code Assist are of use with a project only, whichever preset they came by.
  const isCodeAssist = profile.spend.addressing === 'code-assist' || profile.afterIssue === 'code-assist-project';
  const common = resourceFacts(answer);
  switch (profile.afterIssue) {
    case 'none':
      return merge({ facts: common }, readIdentityClaims(context, 'access-token'));
    case 'id-token':
      return merge({ facts: common }, await readIdentityOrUserinfo(context));
    case 'anthropic-account':
      return merge({ facts: common }, readAnthropicAccount(answer));
    case 'google-userinfo':
    case 'code-assist-project': {
      const user = await readUserinfo(context);
      return merge(merge({ facts: common }, user), isCodeAssist ? await findCodeAssistProject(context) : namedProject(context));
    }
    case 'iflow-api-key':
      return merge({ facts: common }, await deriveIflowKey(context));
  }
}

/** The steps that a refresh repeats: short, and without what is known already. Only iFlow's asks the vendor. Never rejects. */
export async function afterRefresh(context: Omit<IssueContext, 'signal' | 'projectId' | 'userinfoUrl'>): Promise<VendorFacts> {
  const whole: IssueContext = { ...context, signal: undefined, projectId: undefined, userinfoUrl: '' };
  const common: VendorFacts = { facts: resourceFacts(context.answer) };
  switch (context.profile.afterIssue) {
    case 'none':
    case 'google-userinfo':
    case 'code-assist-project':
      return common;
    case 'id-token':
      // Without a new id token nothing is known anew.
      return textOf(context.answer, 'id_token') === undefined ? common : merge(common, readIdentityClaims(whole, 'id-token'));
    case 'anthropic-account':
      return merge(common, readAnthropicAccount(context.answer));
    case 'iflow-api-key':
      return merge(common, await deriveIflowKey(whole, 5_000));
  }
}

/** qwen: where the tokens are spent is part of every token answer. */
function resourceFacts(answer: JsonRecord): Readonly<Record<string, unknown>> {
  return present({ resource_url: textOf(answer, 'resource_url') });
}

function namedProject({ projectId }: IssueContext): VendorFacts {
  return { facts: projectId === undefined ? {} : { project_id: projectId } };
}

async function readIdentityOrUserinfo(context: IssueContext): Promise<VendorFacts> {
  const claims = readIdentityClaims(context, 'id-token');
  if (Object.keys(claims.facts).length > 0 || context.userinfoUrl === '') return claims;
  return readUserinfo(context);
}

function merge(left: VendorFacts, right: VendorFacts): VendorFacts {
  const problem = left.problem ?? right.problem;
  const apiKey = left.apiKey ?? right.apiKey;
  const isUseless = left.isUseless === true || right.isUseless === true;
  return { facts: { ...left.facts, ...right.facts }, ...(apiKey === undefined ? {} : { apiKey }), ...(problem === undefined ? {} : { problem }), ...(isUseless ? { isUseless } : {}) };
}
