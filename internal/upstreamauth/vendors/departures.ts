import type { LoginProfile } from '../../providers/login-profile.ts';

/** What a vendor's authorization endpoint wants otherwise than RFC 6749 §4.1.1 has it. Changes `url`. */
export function departFromAuthorizeUrl(profile: LoginProfile, url: URL): void {
  if (profile.provider !== 'iflow') return;
  // iFlow takes the redirect under a name of its own, and knows no response types.
  const redirectUri = url.searchParams.get('redirect_uri') ?? '';
  url.searchParams.delete('redirect_uri');
  url.searchParams.delete('response_type');
  url.searchParams.set('redirect', redirectUri);
}

/** What a vendor's token endpoint wants beyond RFC 6749 §4.1.3 and §6. `state` is `''` with a refresh. */
export function extraTokenParameters(profile: LoginProfile, state: string, clientId: string): Readonly<Record<string, string>> {
  // Anthropic: the state of the authorization once more.
  if (profile.provider === 'anthropic' && state !== '') return { state };
  // iFlow: the client id in the body too, beside Basic authentication.
  return profile.provider === 'iflow' ? { client_id: clientId } : {};
}

/** Qwen binds its device codes by PKCE, which RFC 8628 does not have. */
export function bindsDeviceCode(profile: LoginProfile): boolean {
  return profile.provider === 'qwen';
}

/** RFC 6749 §2.3.1 wants id and secret form-encoded within Basic authentication; iFlow takes them as they are. */
export function encodesBasic(profile: LoginProfile): boolean {
  return profile.provider !== 'iflow';
}
