import { answerJson, startScriptedUpstream } from './scripted-upstream.ts';
import { createPlatform, type Platform } from './workload-world.ts';

/** A platform with its metadata and keys on a port of its own. */
export interface PlatformServer extends Platform {
  readonly close: () => Promise<void>;
}

export async function startPlatform(): Promise<PlatformServer> {
  const server = await startScriptedUpstream((_seen, res) => answerJson(res, 503, {}));
  const platform = await createPlatform(server.url, Date.now);
  server.setScript(({ url }, res) => {
    if (url === '/.well-known/openid-configuration') answerJson(res, 200, { issuer: server.url, jwks_uri: `${server.url}/jwks` });
    else answerJson(res, url === '/jwks' ? 200 : 404, { keys: platform.keys });
  });
  return { ...platform, close: server.close };
}
