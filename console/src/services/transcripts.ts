import { queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Transcript = components['schemas']['Transcript'];
export type TranscriptSegment = components['schemas']['TranscriptSegment'];
export type Word = components['schemas']['Word'];

export const transcriptQuery = (transcriptId: string) =>
  queryOptions({
    queryKey: ['transcript', transcriptId],
    queryFn: ({ signal }) => request<Transcript>('GET', `/transcripts/${transcriptId}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY, // A new version is a new transcript with an id of its own.
  });
