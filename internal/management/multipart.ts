import { AppError } from '../fault/app-error.ts';
import { plainText, readBody } from './body.ts';

export interface FormFile {
  /** As the sender named it. */
  readonly fileName: string;
  readonly text: string;
}

export interface Form {
  readonly files: readonly FormFile[];
  readonly fields: ReadonlyMap<string, string>;
}

export interface FormLimits {
  /** Fields that are not files; others are refused. */
  readonly fields: readonly string[];
  readonly maxFiles: number;
  readonly maxFileBytes: number;
}

/** Room for boundaries, part headers and short fields. */
const framingBytes = 65_536;

/**
 * A `multipart/form-data` body, read whole: parts with a file name are files, whatever their field is called. Errors:
 * `invalid_request` naming the part, `body_too_large`, `unsupported_media_type`.
 * @see RFC 7578
 */
export async function readForm(request: Request, limits: FormLimits): Promise<Form> {
  const bytes = await readBody(request, ['multipart/form-data'], limits.maxFiles * limits.maxFileBytes + framingBytes);
  const form = await parse(bytes, request.headers.get('content-type') ?? '');
  const files: FormFile[] = [];
  const fields = new Map<string, string>();
  for (const [name, value] of form) {
    if (typeof value !== 'string') files.push(await readFile(value, limits));
    else if (!limits.fields.includes(name)) throw unknownField(name, limits);
    else if (fields.has(name)) throw invalid(name, `${name} was sent twice.`);
    else fields.set(name, value);
  }
  if (files.length === 0) throw invalid('file', 'no files uploaded: send each as a part with a file name, such as curl’s -F "file=@account.json".');
  if (files.length > limits.maxFiles) throw invalid('file', `at most ${limits.maxFiles} files may be sent at once.`);
  return { files, fields };
}

async function parse(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw new AppError('invalid_request', { message: 'invalid multipart form: it cannot be read.', cause });
  }
}

async function readFile(file: File, limits: FormLimits): Promise<FormFile> {
  if (file.size > limits.maxFileBytes) throw new AppError('body_too_large', { message: `Each file may be at most ${limits.maxFileBytes} bytes.`, fields: { max_bytes: limits.maxFileBytes } });
  return { fileName: file.name, text: plainText(Buffer.from(await file.arrayBuffer())) };
}

function unknownField(name: string, limits: FormLimits): AppError {
  if (name === 'file') return invalid('file', 'file must be sent as a file (curl: -F "file=@account.json").');
  return invalid(name.slice(0, 64), `Unknown field ${JSON.stringify(name.slice(0, 64))}; known are file, ${limits.fields.join(', ')}.`);
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', { message, fields: { param } });
}
