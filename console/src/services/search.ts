import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type SearchReply = components['schemas']['SearchReply'];
export type SearchHit = components['schemas']['SearchHit'];
export type SearchLeg = components['schemas']['SearchLeg'];
export type SearchMode = components['schemas']['SearchMode'];
export type SourceKind = components['schemas']['SourceKind'];
export type Segment = components['schemas']['Segment'];

export interface SearchParameters {
  q: string;
  mode?: SearchMode;
  language?: string;
  source?: SourceKind;
  video_id?: string;
  speaker_id?: string;
  date_from?: string;
  date_to?: string;
  limit?: number;
  offset?: number;
}

export function searchQuery(parameters: SearchParameters) {
  return queryOptions({
    queryKey: ['search', parameters],
    queryFn: ({ signal }) =>
      request<SearchReply>('GET', '/search', { query: { ...parameters }, signal }),
    enabled: parameters.q.trim() !== '',
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}
