import { describe, expect, it } from 'vitest';
import { checkServiceAccount, googleTokenUris } from '../../../internal/accounts/service-account.ts';
import { keyFile } from '../../http/management/auth-file-samples.ts';

describe('rule 14: a service account leads to nobody but Google', () => {
  it.each([...googleTokenUris, undefined])('its token_uri may be %s', (uri) => {
    expect(checkServiceAccount({ ...keyFile, token_uri: uri })).toMatchObject({ ok: true });
    if (uri !== undefined) expect(new URL(uri).hostname).toMatch(/(?:^|\.)(?:googleapis|google)\.com$/);
  });

  it.each([
    'https://evil.example/token', 'http://oauth2.googleapis.com/token', 'https://oauth2.googleapis.com.evil.example/token', 'https://oauth2.googleapis.com@evil.example/token', 'https://oauth2.googleapis.com/token?x=https://evil.example',
    'https://OAUTH2.googleapis.com/token', 'http://169.254.169.254/token', 'file:///etc/passwd', '', 7, null, ['https://oauth2.googleapis.com/token'],
  ])('its token_uri may not be %j', (uri) => {
    expect(checkServiceAccount({ ...keyFile, token_uri: uri })).toMatchObject({ ok: false, error: expect.stringContaining('`token_uri`') });
  });
});
