import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { apiUrl, request } from './http';

export type Video = components['schemas']['Video'];
export type VideoList = components['schemas']['VideoList'];
export type VideoStatus = components['schemas']['VideoStatus'];
export type VideoUpdate = components['schemas']['VideoUpdate'];
export type Stage = components['schemas']['Stage'];
export type StageError = components['schemas']['StageError'];
export type Progress = components['schemas']['Progress'];
export type Waveform = components['schemas']['Waveform'];
export type VideoSort = 'created_at' | '-created_at' | 'title' | '-title';

export interface VideoParameters {
  status?: readonly VideoStatus[];
  q?: string;
  sort?: VideoSort;
  limit?: number;
  offset?: number;
}

export const videosQuery = (parameters: VideoParameters) =>
  queryOptions({
    queryKey: ['videos', parameters],
    queryFn: ({ signal }) =>
      request<VideoList>('GET', '/videos', { query: { ...parameters }, signal }),
    placeholderData: keepPreviousData,
  });

export const videoQuery = (videoId: string) =>
  queryOptions({
    queryKey: ['video', videoId],
    queryFn: ({ signal }) => request<Video>('GET', `/videos/${videoId}`, { signal }),
    staleTime: 60_000,
  });

export const waveformQuery = (videoId: string) =>
  queryOptions({
    queryKey: ['waveform', videoId],
    queryFn: ({ signal }) => request<Waveform>('GET', `/videos/${videoId}/waveform`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const deleteVideo = (videoId: string) => request<void>('DELETE', `/videos/${videoId}`);

export const posterUrl = (videoId: string) => apiUrl(`/videos/${videoId}/poster`);

export const mediaUrl = (videoId: string, rendition: 'playback' | 'original' | 'audio') =>
  apiUrl(`/videos/${videoId}/media`, { rendition });

export const captionsUrl = (videoId: string, format: 'vtt' | 'srt' | 'txt') =>
  apiUrl(`/videos/${videoId}/captions`, { format });

export const hasArtifact = (video: Video, kind: Video['artifacts'][number]['kind']) =>
  video.artifacts.some((artifact) => artifact.kind === kind);

/** Still changing by itself. */
export const isUnderway = (status: VideoStatus) => status === 'queued' || status === 'processing';

/** The job to retry when a recording failed or is incomplete; null without one. */
export function failedJobId(video: Video): string | null {
  const failed = video.stages.find(
    (stage) => stage.status === 'failed' || stage.status === 'canceled',
  );
  return failed?.job_id ?? null;
}
