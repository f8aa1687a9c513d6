import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Job = components['schemas']['Job'];
export type JobList = components['schemas']['JobList'];
export type JobStatus = components['schemas']['JobStatus'];
export type JobRunList = components['schemas']['JobRunList'];
export type JobEventList = components['schemas']['JobEventList'];

export interface JobParameters {
  status?: readonly JobStatus[];
  video_id?: string;
  limit?: number;
  offset?: number;
}

export const jobsQuery = (parameters: JobParameters) =>
  queryOptions({
    queryKey: ['jobs', parameters],
    queryFn: ({ signal }) => request<JobList>('GET', '/jobs', { query: { ...parameters }, signal }),
    placeholderData: keepPreviousData,
  });

export const jobQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job', jobId],
    queryFn: ({ signal }) => request<Job>('GET', `/jobs/${jobId}`, { signal }),
  });

export const jobRunsQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job', jobId, 'runs'],
    queryFn: ({ signal }) =>
      request<JobRunList>('GET', `/jobs/${jobId}/runs`, { query: { limit: 100 }, signal }),
  });

export const jobEventsQuery = (jobId: string) =>
  queryOptions({
    queryKey: ['job', jobId, 'events'],
    queryFn: ({ signal }) =>
      request<JobEventList>('GET', `/jobs/${jobId}/events`, { query: { limit: 100 }, signal }),
  });

export const retryJob = (jobId: string) => request<Job>('POST', `/jobs/${jobId}/retry`);
export const cancelJob = (jobId: string) => request<Job>('POST', `/jobs/${jobId}/cancel`);
