/** Folders of `internal/` from the bottom up; a folder may import from rows below its own, and from itself. */
export const layers: readonly (readonly string[])[] = [
  ['clock', 'fault', 'secret'],
  ['log', 'dialect'],
  ['files', 'audit', 'metrics'],
  ['config', 'accounts'],
  ['usage', 'clients', 'providers', 'egress'],
  ['http', 'routing', 'tokens', 'upstreamauth'],
  ['proxy', 'cli'],
  ['authserver', 'management', 'storage', 'websocket'],
  ['server'],
  ['daemon'],
];

/** Imports beyond the rows below: inside a row, where one folder is plainly the other's tool. */
export const granted: Readonly<Record<string, readonly string[]>> = {
  accounts: ['config'],
  upstreamauth: ['tokens'],
};
