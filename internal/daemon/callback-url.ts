import type { Config } from '../config/schema.ts';

/**
 * Where vendors without a fixed redirect port send the browser back to: `public-url`, else the main port on `localhost`, as
 * loopback redirects are registered by that name (RFC 8252 §7.3). Without trailing slash. `binds` as `GET /status` has them.
 */
export function callbackUrl(config: Config, binds: readonly string[]): string {
  if (config['public-url'] !== '') return config['public-url'].replace(/\/+$/, '');
  const main = binds.find((bind) => /^https?:/.test(bind));
  const url = main === undefined ? null : URL.parse(main);
  return `${url?.protocol ?? 'http:'}//localhost:${url?.port ?? config.port}`;
}
