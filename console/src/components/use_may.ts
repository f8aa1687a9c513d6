import { useQuery } from '@tanstack/react-query';
import { may, sessionQuery } from '../services/session';

/** Whether who is signed in may do that, "write:videos"; what they may not is not offered. */
export function useMay(permission: string): boolean {
  const { data: session } = useQuery(sessionQuery);
  return Boolean(session && may(session, permission));
}
