import { queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Source = components['schemas']['Source'];
export type SourceList = components['schemas']['SourceList'];
export type NewSource = components['schemas']['NewSource'];

export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: ({ signal }) =>
    request<SourceList>('GET', '/sources', { query: { limit: 100 }, signal }),
});

export const createSource = (source: NewSource) =>
  request<Source>('POST', '/sources', { body: source });
export const deleteSource = (sourceId: string) => request<void>('DELETE', `/sources/${sourceId}`);
export const pollSource = (sourceId: string) =>
  request<Source>('POST', `/sources/${sourceId}/poll`);
