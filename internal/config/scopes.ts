/** What a credential may do. For models, then for management (contract §12, clarification 12). */
export const scopes = [
  'models:use',
  'models:read',
  'keys:read',
  'keys:write',
  'clients:read',
  'clients:write',
  'accounts:read',
  'accounts:login',
  'accounts:write',
  'usage:read',
  'config:read',
  'config:write',
  'audit:read',
  'logs:read',
  'secrets:read',
] as const;
export type Scope = (typeof scopes)[number];
