/*
 * Undici by its parts: the package's index also loads fetch, WebSocket, caches and mocks, 13 MB that a proxy never uses
 * (ADR 0001). The version is pinned, and the build fails when a path moves.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import type { Pool as Type } from 'undici';
  const Pool: typeof Type;
  export = Pool;
}
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent as Type } from 'undici';
  const Agent: typeof Type;
  export = Agent;
}
declare module 'undici/lib/dispatcher/proxy-agent.js' {
  import type { ProxyAgent as Type } from 'undici';
  const ProxyAgent: typeof Type;
  export = ProxyAgent;
}
declare module 'undici/lib/dispatcher/env-http-proxy-agent.js' {
  import type { EnvHttpProxyAgent as Type } from 'undici';
  const EnvHttpProxyAgent: typeof Type;
  export = EnvHttpProxyAgent;
}
