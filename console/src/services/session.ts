import { type QueryClient, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { ApiError, request, setCsrfToken } from './http';

export type Session = components['schemas']['Session'];
export type Credentials = components['schemas']['Credentials'];
export type Role = components['schemas']['Role'];

export const ROLES: readonly Role[] = ['viewer', 'editor', 'operator', 'admin'];

async function readSession(signal: AbortSignal): Promise<Session | null> {
  try {
    const session = await request<Session>('GET', '/session', { signal });
    setCsrfToken(session.csrf_token);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** null: nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => readSession(signal),
  staleTime: 5 * 60_000,
});

export async function signIn(credentials: Credentials): Promise<Session> {
  const session = await request<Session>('POST', '/session', { body: credentials });
  setCsrfToken(session.csrf_token);
  return session;
}

export async function signOut(): Promise<void> {
  await request<void>('DELETE', '/session');
  setCsrfToken(null);
}

/** Whether a session may do something; the server decides, this only spares people dead ends. */
export function may(session: Session, permission: string): boolean {
  const [action, resource] = permission.split(':');
  return session.permissions.some((granted) => {
    const [grantedAction, grantedResource] = granted.split(':');
    return (
      (grantedAction === '*' || grantedAction === action) &&
      (grantedResource === '*' || grantedResource === resource)
    );
  });
}

/** Another session, or none: nothing that the one before could read stays. */
export function changeSession(client: QueryClient, session: Session | null): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
  client.setQueryData(sessionQuery.queryKey, session);
}
