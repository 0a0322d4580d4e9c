/**
 * The claims of a JWT, read without verifying: they say whose tokens stand in a file of ours, and decide on nobody's
 * access. Undefined for tokens that are none. @see RFC 7519 §7.2
 */
export function readClaims(token: string | undefined): ReadonlyMap<string, unknown> | undefined {
  const [, payload, signature] = token?.split('.') ?? [];
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? new Map(Object.entries(claims)) : undefined;
  } catch {
    return undefined;
  }
}

export function claimText(claims: ReadonlyMap<string, unknown> | undefined, name: string): string | undefined {
  const value = claims?.get(name);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** OpenAI puts the workspace into a claim that is an object. */
export function openAiAccountId(claims: ReadonlyMap<string, unknown> | undefined): string | undefined {
  const auth = claims?.get('https://api.openai.com/auth');
  return typeof auth === 'object' && auth !== null ? claimText(new Map(Object.entries(auth)), 'chatgpt_account_id') : undefined;
}
