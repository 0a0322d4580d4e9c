// Loaded before a program: a system that has run out of watches (Linux: fs.inotify.max_user_watches).
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

fs.watch = () => {
  throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
};
syncBuiltinESMExports();
