// The one way to the API: JSON in and out, the session's cookie, the CSRF token, ApiError.
import type { components } from './api';

export type ErrorCode = components['schemas']['ErrorCode'];
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

const API = '/api/v1';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number, // 0: no answer at all
    readonly code: ErrorCode | 'unreachable',
    message: string,
    readonly hint: string | null = null,
    readonly correlationId: string | null = null,
  ) {
    super(message);
  }
}

let csrfToken: string | null = null;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

export function csrfHeaders(): Record<string, string> {
  return csrfToken ? { 'X-CSRF-Token': csrfToken } : {};
}

/** The address of a resource, for `<video>`, `<img>`, links and the requests below. */
export function apiUrl(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    const text = typeof value === 'object' ? value.join(',') : String(value);
    if (text) parameters.set(name, text);
  }
  const search = parameters.toString();
  return `${API}${path}${search ? `?${search}` : ''}`;
}

function isErrorBody(body: unknown): body is components['schemas']['Error'] {
  const error = (body as { error?: { message?: unknown } } | null)?.error;
  return typeof error?.message === 'string';
}

async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const correlationId = response.headers.get('X-Correlation-Id');
  if (isErrorBody(body)) {
    const { code, message, details } = body.error;
    return new ApiError(
      response.status,
      code,
      message,
      typeof details?.hint === 'string' ? details.hint : null,
      body.error.correlation_id || correlationId,
    );
  }
  // A proxy in between, not our server.
  return new ApiError(
    response.status,
    response.status >= 500 ? 'unavailable' : 'internal_error',
    `the server answered ${response.status}`,
    null,
    correlationId,
  );
}

export interface RequestOptions {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export async function request<T>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  { query = {}, body, headers = {}, signal }: RequestOptions = {},
): Promise<T> {
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(method === 'GET' ? {} : csrfHeaders()),
      ...headers,
    },
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal) init.signal = signal;
  let response: Response;
  try {
    response = await fetch(apiUrl(path, query), init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'unreachable', 'the server cannot be reached', 'is it running?');
  }
  if (!response.ok) throw await errorOf(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}
