import { spawnSync } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeFreePort } from '../process/free-port.ts';
import { chatPath } from '../workloads.ts';
import { clientKey, keyedEndpoint, upstreamKey, type TargetKind } from './target.ts';

// Debian keeps it in sbin, which the PATH of an ordinary user lacks.
const places = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx', '/opt/homebrew/bin/nginx'];

/** nginx as a plain reverse proxy with a key check: one process, no rights, nothing written outside its folder. */
export const nginxTarget: TargetKind = {
  id: 'nginx',
  title: 'nginx',
  prepare: () => {
    const binary = findNginx();
    if (binary === undefined) return 'nginx is not installed (Debian: apt-get install nginx-light)';
    const { status } = spawnSync(binary, ['-v'], { env: {} });
    return status === 0 ? undefined : 'nginx does not run';
  },
  launch: async ({ children, upstream, folder }) => {
    const port = await takeFreePort();
    writeFileSync(join(folder, 'nginx.conf'), configText(port, `${upstream.host}:${upstream.port}`));
    const child = children.spawn(findNginx() ?? 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { cwd: folder, env: {}, outputPath: join(folder, 'nginx.log') });
    return { child, endpoint: keyedEndpoint(port, chatPath) };
  },
  startLimitMs: 15_000,
};

function findNginx(): string | undefined {
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function configText(port: number, upstream: string): string {
  return `daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path client-body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  tcp_nodelay on;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  map_hash_bucket_size 256;
  map $http_authorization $is_known {
    default 0;
    "Bearer ${clientKey}" 1;
  }
  upstream bench {
    server ${upstream};
    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /v1/ {
      if ($is_known = 0) { return 401; }
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer ${upstreamKey}";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`;
}
