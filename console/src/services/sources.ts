import { queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Source = components['schemas']['Source'];
export type SourceList = components['schemas']['SourceList'];
export type NewSource = components['schemas']['NewSource'];

const WATCHED_MS = 2_000; // while something is about to change

/** Asked for, or its time has come; a worker takes it up. */
export function isPollDue({ next_poll_at }: Source): boolean {
  return next_poll_at !== null && Date.parse(next_poll_at) <= Date.now();
}

export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: ({ signal }) =>
    request<SourceList>('GET', '/sources', { query: { limit: 100 }, signal }),
  refetchInterval: ({ state }) =>
    state.data?.items.some((source) => source.status === 'polling' || isPollDue(source))
      ? WATCHED_MS
      : false,
});

export const createSource = (source: NewSource) =>
  request<Source>('POST', '/sources', { body: source });
export const deleteSource = (sourceId: string) => request<void>('DELETE', `/sources/${sourceId}`);
export const pollSource = (sourceId: string) =>
  request<Source>('POST', `/sources/${sourceId}/poll`);
