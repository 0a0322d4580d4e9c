import { AppError } from '../../fault/app-error.ts';
import type { FileFault } from './ports.ts';

/** What a caller of the management API is told. */
export function faultError({ kind, message }: FileFault): AppError {
  switch (kind) {
    case 'missing':
      return new AppError('item_not_found', { message });
    case 'unusable':
      return new AppError('invalid_auth_file', { message });
    case 'read_only':
    case 'not_writable':
      return new AppError('auth_file_not_writable', { message });
  }
}
